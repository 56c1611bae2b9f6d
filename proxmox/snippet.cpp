#include "snippet.hpp"

#include <unistd.h>

#include <algorithm>

namespace fip::proxmox {

namespace fs = std::filesystem;

bool has_snippet(const fs::path& file) {
    std::error_code absent;
    return fs::is_regular_file(file, absent) && ::access(file.c_str(), X_OK) == 0;
}

bool is_announced_by_all(const Cluster& cluster) {
    const auto nodes = cluster.nodes();
    return std::ranges::all_of(nodes, [&](const std::string& node) {
        std::error_code absent;
        return fs::is_regular_file(cluster.root() / "failover-ip" / node, absent);
    });
}

}  // namespace fip::proxmox
