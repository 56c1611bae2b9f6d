#include "origin.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "ports/guest_source.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_bytes = std::size_t{1} << 20;  // that pmxcfs takes

std::string cluster_name(const fs::path& pve) {
    std::string text;
    try {
        text = config::read_file(pve / "corosync.conf", most_bytes, config::Access::anybody).text;
    } catch (const InputError& unreadable) {
        throw GuestsUnavailable{unreadable.what()};
    }
    constexpr std::string_view key = "cluster_name:";
    const auto found = text.find(key);
    if (found == text.npos) return {};  // a node of its own has no such file
    const auto begin = found + key.size();
    const auto line = text.substr(begin, text.find('\n', begin) - begin);
    std::string name;
    std::ranges::copy_if(line, std::back_inserter(name), [](unsigned char c) { return std::isgraph(c) != 0; });
    return name;
}

}  // namespace

std::string local_node_of(const fs::path& pve) {
    const auto local = pve / "local";
    std::error_code absent;
    auto name = fs::read_symlink(local, absent).filename().string();
    if (absent || name.empty()) throw GuestsUnavailable{"pmxcfs is not running: " + local.string() + " is not there"};
    return name;
}

std::string origin_of(const fs::path& pve) {
    const auto name = cluster_name(pve);
    return (name.empty() ? local_node_of(pve) : name) + "/proxmox";
}

}  // namespace fip::proxmox
