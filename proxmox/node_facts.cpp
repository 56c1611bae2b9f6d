#include "node_facts.hpp"

#include "config/read_file.hpp"
#include "ports/guest_source.hpp"
#include "program_file.hpp"
#include "run_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int oldest_version = 8;

std::optional<int> installed_version() {
    if (!find_program("pveversion")) return {};
    try {
        const auto ran = run_command({"pveversion"}, 30s);
        return ran.exit_code == 0 ? major_version(ran.out) : std::nullopt;
    } catch (const std::system_error&) {  // as good as not there
        return {};
    }
}

}  // namespace

std::string packaged_hookscript() {
    constexpr std::size_t most_bytes = std::size_t{256} << 20;  // with sanitizers in it
    constexpr const char* name = "failover-ip-proxmox-hook";
    std::error_code unreadable;  // no /proc: only the installed one
    const auto self = fs::read_symlink("/proc/self/exe", unreadable);
    for (const auto& folder : {self.parent_path(), fs::path{FIP_LIBEXEC}}) {
        if (is_program(folder / name))
            return config::read_file(folder / name, most_bytes, config::Access::anybody).text;
    }
    throw std::runtime_error{"the hookscript " + std::string{FIP_LIBEXEC} + "/" + name + " is not installed"};
}

std::optional<int> major_version(std::string_view pveversion) {
    constexpr std::string_view before = "pve-manager/";
    const auto at = pveversion.find(before);
    if (at == std::string_view::npos) return {};
    const auto text = pveversion.substr(at + before.size());
    int version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || end == text.data() + text.size() || *end != '.') return {};
    return version;
}

NodeFacts read_node(const Cluster& cluster) {
    NodeFacts node;
    node.is_root = ::geteuid() == 0;
    node.has_qm = find_program("qm").has_value();
    node.has_pct = find_program("pct").has_value();
    node.has_nft = find_program("nft").has_value();
    std::error_code unreadable;  // as good as not there
    node.has_systemd = fs::is_directory("/run/systemd/system", unreadable);
    try {
        node.is_pmxcfs_up = cluster.stamp().has_value();
        if (node.is_pmxcfs_up) node.name = cluster.local_node();
    } catch (const GuestsUnavailable&) {
        node.is_pmxcfs_up = false;
    }
    node.is_quorate = node.is_pmxcfs_up && cluster.is_quorate();
    if (node.is_root) node.version = installed_version();
    return node;
}

std::vector<std::string> objections(const NodeFacts& node) {
    if (!node.is_root) return {"needs root"};
    if (!node.has_qm || !node.has_pct) return {"this is no Proxmox VE node: it has no qm or no pct"};
    std::vector<std::string> reasons;
    if (node.version && *node.version < oldest_version) {
        reasons.push_back("Proxmox VE " + std::to_string(*node.version) + " is too old: 8 or 9 is needed");
    }
    if (!node.has_nft) reasons.emplace_back("there is no nft, which the guard needs: apt install nftables");
    if (!node.is_pmxcfs_up) {
        reasons.emplace_back("pmxcfs is not running, /etc/pve is empty: systemctl start pve-cluster, then try again");
    } else if (!node.is_quorate) {
        reasons.emplace_back("the cluster has no quorum, nothing can be written: see pvecm status, then try again");
    }
    return reasons;
}

}  // namespace fip::proxmox
