#include "snippet.hpp"

#include "replace_file.hpp"

namespace fip::proxmox {

namespace fs = std::filesystem;

fs::path announcement_of(const Cluster& cluster, const std::string& node) {
    return cluster.root() / "failover-ip" / node;
}

bool is_announced(const Cluster& cluster, const std::string& node) {
    std::error_code absent;
    return fs::is_regular_file(announcement_of(cluster, node), absent);
}

void announce(const Cluster& cluster, const std::string& node) {
    const auto file = announcement_of(cluster, node);
    std::error_code there_or_told_below;
    fs::create_directory(file.parent_path(), there_or_told_below);
    replace_file(file, FIP_VERSION "\n");
}

std::vector<std::string> silent_nodes(const Cluster& cluster) {
    std::vector<std::string> silent;
    for (const auto& node : cluster.nodes()) {
        if (!is_announced(cluster, node)) silent.push_back(node);
    }
    return silent;
}

}  // namespace fip::proxmox
