#include "snippet.hpp"

#include "program_file.hpp"

#include <algorithm>

namespace fip::proxmox {

namespace fs = std::filesystem;

bool has_snippet(const fs::path& file) {
    return is_program(file);
}

bool is_announced_by_all(const Cluster& cluster) {
    const auto nodes = cluster.nodes();
    return std::ranges::all_of(nodes, [&](const std::string& node) {
        std::error_code absent;
        return fs::is_regular_file(cluster.root() / "failover-ip" / node, absent);
    });
}

}  // namespace fip::proxmox
