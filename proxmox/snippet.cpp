#include "snippet.hpp"

namespace fip::proxmox {

namespace fs = std::filesystem;

fs::path announcement_of(const Cluster& cluster, const std::string& node) {
    return cluster.root() / "failover-ip" / node;
}

std::vector<std::string> silent_nodes(const Cluster& cluster) {
    std::vector<std::string> silent;
    for (const auto& node : cluster.nodes()) {
        std::error_code absent;
        if (!fs::is_regular_file(announcement_of(cluster, node), absent)) silent.push_back(node);
    }
    return silent;
}

}  // namespace fip::proxmox
