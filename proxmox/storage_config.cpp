#include "storage_config.hpp"

#include "config/read_file.hpp"
#include "text.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

namespace fip::proxmox {
namespace {

constexpr const char* local_path = "/var/lib/vz";
constexpr std::size_t most_text = std::size_t{1} << 20;  // of any file in pmxcfs

/// "snippets=hooks,iso=images" -> "hooks"
std::optional<std::string> snippets_in(const std::string& dirs) {
    std::istringstream list{dirs};
    for (std::string entry; std::getline(list, entry, ',');) {
        entry = trimmed(entry);
        if (entry.starts_with("snippets=")) return entry.substr(entry.find('=') + 1);
    }
    return {};
}

}  // namespace

std::filesystem::path snippet_folder(std::string_view storage_cfg) {
    std::istringstream lines{std::string{storage_cfg}};
    bool is_in_local = false;
    std::string path = local_path;
    std::optional<std::string> own;
    for (std::string line; std::getline(lines, line);) {
        const auto text = trimmed(line);
        if (text.empty()) is_in_local = false;
        if (text.empty() || text.front() == '#') continue;
        const bool is_head = line.front() != ' ' && line.front() != '\t';
        if (is_head) {
            const auto colon = text.find(':');
            is_in_local = text.substr(0, colon) == "dir" && colon != std::string::npos &&
                          trimmed(text.substr(colon + 1)) == "local";
            continue;
        }
        if (!is_in_local) continue;
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        const auto key = text.substr(0, end);
        const auto value = trimmed(text.substr(end));
        if (key == "path") path = value;
        if (key == "content-dirs") own = snippets_in(std::string{value});
    }
    // A section with another path is thrown away as a whole.
    const bool is_kept = path == local_path;
    return std::filesystem::path{local_path} /
           (is_kept && own ? std::filesystem::path{*own}.relative_path() : "snippets");
}

std::filesystem::path snippet_place(const Cluster& cluster) {
    const auto text = config::read_file(cluster.root() / "storage.cfg", most_text, config::Access::anybody).text;
    return snippet_folder(text) / "failover-ip";
}

}  // namespace fip::proxmox
