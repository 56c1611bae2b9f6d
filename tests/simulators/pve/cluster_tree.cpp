#include "simulators/pve/cluster_tree.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;

// facts 2.5: EFBIG above 1 MiB.
constexpr std::size_t largest_file = 1024UL * 1024;
// facts 5: a lock folder may be taken over after this time.
constexpr std::time_t lock_expiry = 120;
constexpr std::string_view lock_folder = "priv/lock";

// facts 4.1: `.version` counts the writes of these files, and of no others.
constexpr std::array counted_files{"corosync.conf",     "corosync.conf.new",  "storage.cfg",     "user.cfg",
                                   "domains.cfg",       "priv/shadow.cfg",    "priv/tfa.cfg",    "priv/token.cfg",
                                   "datacenter.cfg",    "vzdump.cron",        "jobs.cfg",        "ha/crm_commands",
                                   "ha/manager_status", "ha/resources.cfg",   "replication.cfg", "sdn/vnets.cfg",
                                   "sdn/zones.cfg",     "firewall/cluster.fw"};

[[noreturn]] void fail(int error, const std::string& path) {
    throw std::system_error{error, std::generic_category(), path};
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? "" : path.substr(0, slash);
}

std::string as_folder(const std::string& path) {
    return path.empty() ? "" : path + "/";
}

bool is_link(const std::string& path) {
    return path == "local" || path == "qemu-server" || path == "lxc" || path == "openvz";
}

}  // namespace

ClusterTree::ClusterTree(fs::path mirror) : mirror_{std::move(mirror)}, start_time_{std::time(nullptr)} {
    entries_[""] = {true, "", start_time_};
    for (const auto* file : counted_files) file_versions_[file] = 1;
    if (!mirror_.empty()) load();
    for (const auto* folder : {"nodes", "priv", "priv/lock", "firewall", "ha", "sdn", "virtual-guest", "mapping"}) {
        make_folder_unchecked(folder);
    }
    read_guests();
}

void ClusterTree::add_node(const std::string& node) {
    const std::lock_guard hold{mutex_};
    nodes_.insert(node);
    for (const auto* folder : {"", "/qemu-server", "/lxc", "/openvz", "/priv"}) {
        make_folder_unchecked("nodes/" + node + folder);
    }
}

bool ClusterTree::is_generated(const std::string& path) {
    return path == ".vmlist" || path == ".version" || path == ".members" || path == ".clusterlog" || path == ".rrd";
}

bool ClusterTree::is_private(const std::string& path) {
    if (path == "priv" || path.starts_with("priv/")) return true;
    const auto inside = path.find("/priv");
    return path.starts_with("nodes/") && inside != path.npos && (inside + 5 == path.size() || path[inside + 5] == '/');
}

// facts 2.1, 2.5: 0640 root:www-data, priv/ 0600; without quorum nobody may write, and lstat(local) shows it.
Attributes ClusterTree::attributes(const std::string& path, const std::string& node) const {
    const std::lock_guard hold{mutex_};
    Attributes result{0, 0, start_time_};
    if (is_link(path)) {
        result.mode = S_IFLNK | 0755;
    } else if (is_generated(path)) {
        result.mode = S_IFREG | 0440;
        result.size = static_cast<off_t>(generated(path, node).size());
    } else {
        const auto& entry = at(path);
        result.mode = entry.is_folder ? S_IFDIR | 0755 : S_IFREG | 0640;
        result.size = static_cast<off_t>(entry.content.size());
        result.changed = entry.changed;
    }
    if (is_private(path)) result.mode &= ~static_cast<mode_t>(077);
    if (!is_quorate_) result.mode &= ~static_cast<mode_t>(0222);
    return result;
}

std::string ClusterTree::link_target(const std::string& path, const std::string& node) const {
    if (!is_link(path)) fail(EINVAL, path);
    return path == "local" ? "nodes/" + node : "nodes/" + node + "/" + path;
}

std::vector<std::string> ClusterTree::list(const std::string& path) const {
    const std::lock_guard hold{mutex_};
    if (!at(path).is_folder) fail(ENOTDIR, path);
    std::vector<std::string> names;
    if (path.empty())
        names = {"local", "qemu-server", "lxc", "openvz", ".vmlist", ".version", ".members", ".clusterlog", ".rrd"};
    const auto prefix = as_folder(path);
    for (auto i = entries_.lower_bound(prefix); i != entries_.end() && i->first.starts_with(prefix); ++i) {
        const auto name = i->first.substr(prefix.size());
        if (!name.empty() && name.find('/') == name.npos) names.push_back(name);
    }
    return names;
}

std::string ClusterTree::content(const std::string& path, const std::string& node) const {
    const std::lock_guard hold{mutex_};
    if (is_generated(path)) return generated(path, node);
    const auto& entry = at(path);
    if (entry.is_folder) fail(EISDIR, path);
    return entry.content;
}

void ClusterTree::create(const std::string& path) {
    const std::lock_guard hold{mutex_};
    check_writable();
    check_parent(path);
    if (entries_.contains(path) || is_link(path) || is_generated(path)) fail(EEXIST, path);
    check_vmid(path, std::nullopt);
    entries_[path] = {false, "", std::time(nullptr)};
    has_changed(path);
}

void ClusterTree::write(const std::string& path, std::string_view bytes, std::size_t offset) {
    const std::lock_guard hold{mutex_};
    check_writable();
    auto& entry = at(path);
    if (entry.is_folder) fail(EISDIR, path);
    if (offset + bytes.size() > largest_file) fail(EFBIG, path);
    if (entry.content.size() < offset + bytes.size()) entry.content.resize(offset + bytes.size());
    entry.content.replace(offset, bytes.size(), bytes);
    entry.changed = std::time(nullptr);
    has_changed(path);
}

void ClusterTree::truncate(const std::string& path, std::size_t size) {
    const std::lock_guard hold{mutex_};
    check_writable();
    auto& entry = at(path);
    if (entry.is_folder) fail(EISDIR, path);
    if (size > largest_file) fail(EFBIG, path);
    entry.content.resize(size);
    entry.changed = std::time(nullptr);
    has_changed(path);
}

// facts 5: mkdir below priv/lock takes a cluster lock, rmdir gives it back.
void ClusterTree::make_folder(const std::string& path) {
    const std::lock_guard hold{mutex_};
    check_writable();
    check_parent(path);
    if (entries_.contains(path) || is_link(path) || is_generated(path)) fail(EEXIST, path);
    make_folder_unchecked(path);
}

void ClusterTree::remove_file(const std::string& path) {
    const std::lock_guard hold{mutex_};
    if (is_link(path) || is_generated(path)) fail(EACCES, path);
    check_writable();
    if (at(path).is_folder) fail(EISDIR, path);
    has_gone(path);
    entries_.erase(path);
}

void ClusterTree::remove_folder(const std::string& path) {
    const std::lock_guard hold{mutex_};
    check_writable();
    if (!at(path).is_folder) fail(ENOTDIR, path);
    if (path.empty() || path == lock_folder) fail(EACCES, path);
    if (!is_empty_folder(path)) fail(ENOTEMPTY, path);
    has_gone(path);
    entries_.erase(path);
}

// facts 4.1: a migration is one rename of the config from one node's folder to another's.
void ClusterTree::rename(const std::string& from, const std::string& to) {
    const std::lock_guard hold{mutex_};
    check_writable();
    const bool is_folder = at(from).is_folder;
    check_parent(to);
    if (from == to) return;
    check_vmid(to, config_path(from));
    if (const auto there = entries_.find(to); there != entries_.end()) {
        if (there->second.is_folder != is_folder) fail(is_folder ? ENOTDIR : EISDIR, to);
        if (is_folder && !is_empty_folder(to)) fail(ENOTEMPTY, to);
    }
    if (is_folder) {
        Entries moved;
        const auto prefix = as_folder(from);
        for (auto i = entries_.lower_bound(prefix); i != entries_.end() && i->first.starts_with(prefix);) {
            moved[as_folder(to) + i->first.substr(prefix.size())] = std::move(i->second);
            i = entries_.erase(i);
        }
        entries_[to] = entries_.at(from);
        has_gone(from);
        entries_.erase(from);
        entries_.merge(moved);
        for (auto i = entries_.lower_bound(to); i != entries_.end() && i->first.starts_with(to); ++i) save(i->first);
        read_guests();
        return;
    }
    has_gone(from);
    auto entry = entries_.extract(from);
    entries_[to] = std::move(entry.mapped());
    has_changed(to);
}

// pmxcfs reads a time of 0 on a lock as "give it up if it is stale" (PVE::Cluster's cfs_lock).
void ClusterTree::touch(const std::string& path, std::time_t when) {
    const std::lock_guard hold{mutex_};
    check_writable();
    auto& entry = at(path);
    if (parent_of(path) == lock_folder && when == 0) {
        if (std::time(nullptr) - entry.changed < lock_expiry) fail(EACCES, path);
        has_gone(path);
        entries_.erase(path);
        return;
    }
    entry.changed = when;
}

void ClusterTree::put(const std::string& path, std::string_view bytes) {
    const std::lock_guard hold{mutex_};
    if (bytes.size() > largest_file) fail(EFBIG, path);
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
        make_folder_unchecked(path.substr(0, slash));
    }
    check_vmid(path, std::nullopt);
    entries_[path] = {false, std::string{bytes}, std::time(nullptr)};
    has_changed(path);
}

void ClusterTree::set_quorate(bool is_quorate) {
    const std::lock_guard hold{mutex_};
    is_quorate_ = is_quorate;
}

void ClusterTree::set_read_only(bool is_read_only) {
    const std::lock_guard hold{mutex_};
    is_read_only_ = is_read_only;
}

std::optional<ClusterTree::ConfigPath> ClusterTree::config_path(const std::string& path) {
    if (!path.starts_with("nodes/") || !path.ends_with(".conf")) return std::nullopt;
    const auto node_end = path.find('/', 6);
    if (node_end == path.npos) return std::nullopt;
    const auto folder_end = path.find('/', node_end + 1);
    if (folder_end == path.npos) return std::nullopt;
    const auto folder = path.substr(node_end + 1, folder_end - node_end - 1);
    if (folder != "qemu-server" && folder != "lxc") return std::nullopt;
    const auto name = path.substr(folder_end + 1);
    int vmid = 0;
    const auto* end = name.data() + name.size() - 5;
    const auto [stop, error] = std::from_chars(name.data(), end, vmid);
    if (error != std::errc{} || stop != end || vmid < 1) return std::nullopt;
    return ConfigPath{vmid, path.substr(6, node_end - 6), folder == "lxc" ? "lxc" : "qemu"};
}

ClusterTree::Entry& ClusterTree::at(const std::string& path) {
    const auto found = entries_.find(path);
    if (found == entries_.end()) fail(ENOENT, path);
    return found->second;
}

const ClusterTree::Entry& ClusterTree::at(const std::string& path) const {
    const auto found = entries_.find(path);
    if (found == entries_.end()) fail(ENOENT, path);
    return found->second;
}

std::string ClusterTree::generated(const std::string& path, const std::string& node) const {
    if (path == ".vmlist") return vmlist();
    if (path == ".version") return version();
    if (path == ".members") return members(node);
    if (path == ".clusterlog") return "{\n\"data\": [\n]\n}\n";
    return "";
}

// Without any guest there is no `ids` key (facts 4.1).
std::string ClusterTree::vmlist() const {
    std::string text = "{\n\"version\": " + std::to_string(list_version_);
    if (guests_.empty()) return text + "\n\n}\n";
    text += ",\n\"ids\": {\n";
    bool is_first = true;
    for (const auto& [vmid, guest] : guests_) {
        if (!is_first) text += ",\n";
        is_first = false;
        text += "\"" + std::to_string(vmid) + "\": { \"node\": \"" + guest.node + "\", \"type\": \"" + guest.type +
                "\", \"version\": " + std::to_string(guest.version) + " }";
    }
    return text + "}\n\n}\n";
}

// Counters restart when starttime changes (facts 4.1).
std::string ClusterTree::version() const {
    auto text = "{\n\"starttime\": " + std::to_string(start_time_) +
                ",\n\"clinfo\": 0,\n\"vmlist\": " + std::to_string(list_version_);
    for (const auto* file : counted_files) {
        text += ",\n\"" + std::string{file} + "\": " + std::to_string(file_versions_.at(file));
    }
    return text + ",\n\"kvstore\": {\n}\n}\n";
}

// A node alone has no "cluster" part.
std::string ClusterTree::members(const std::string& node) const {
    auto text = "{\n\"nodename\": \"" + node + "\",\n\"version\": 1";
    if (nodes_.size() < 2 && is_quorate_) return text + "\n}\n";
    text += ",\n\"cluster\": { \"name\": \"sim\", \"version\": 1, \"nodes\": " +
            std::to_string(std::max<std::size_t>(nodes_.size(), 2)) + ", \"quorate\": " + (is_quorate_ ? "1" : "0") +
            " },\n\"nodelist\": {\n";
    int id = 0;
    for (const auto& member : nodes_) {
        if (id++ > 0) text += ",\n";
        text += "  \"" + member + "\": { \"id\": " + std::to_string(id) + ", \"online\": 1, \"ip\": \"192.0.2." +
                std::to_string(id) + "\"}";
    }
    return text + "\n  }\n}\n";
}

bool ClusterTree::is_empty_folder(const std::string& path) const {
    const auto next = entries_.upper_bound(as_folder(path));
    return next == entries_.end() || !next->first.starts_with(as_folder(path));
}

// facts 2.5: without quorum all writes fail with EACCES.
void ClusterTree::check_writable() const {
    if (!is_quorate_) fail(EACCES, "no quorum");
    if (is_read_only_) fail(EROFS, "read-only");
}

void ClusterTree::check_parent(const std::string& path) const {
    if (!at(parent_of(path)).is_folder) fail(ENOTDIR, path);
}

// facts 2.1: a VMID exists once, over both types and all nodes; only its own file may be renamed to another place.
void ClusterTree::check_vmid(const std::string& path, const std::optional<ConfigPath>& moved_from) const {
    const auto config = config_path(path);
    if (!config) return;
    const auto known = guests_.find(config->vmid);
    if (known == guests_.end()) return;
    if (known->second.node == config->node && known->second.type == config->type) return;
    if (moved_from && moved_from->vmid == config->vmid && moved_from->type == config->type) return;
    fail(EEXIST, path);
}

void ClusterTree::make_folder_unchecked(const std::string& path) {
    if (entries_.contains(path)) return;
    entries_[path] = {true, "", std::time(nullptr)};
    save(path);
}

// facts 4.1: each write and each rename of a config gives its id a new version.
void ClusterTree::has_changed(const std::string& path) {
    if (const auto config = config_path(path)) {
        ++list_version_;
        guests_[config->vmid] = {config->node, config->type, ++guest_version_};
    }
    if (const auto counted = file_versions_.find(path); counted != file_versions_.end()) ++counted->second;
    save(path);
}

void ClusterTree::has_gone(const std::string& path) {
    if (const auto config = config_path(path)) {
        ++list_version_;
        guests_.erase(config->vmid);
    }
    if (const auto counted = file_versions_.find(path); counted != file_versions_.end()) ++counted->second;
    unsave(path);
}

void ClusterTree::read_guests() {
    guests_.clear();
    ++list_version_;
    for (const auto& [path, entry] : entries_) {
        if (entry.is_folder) continue;
        if (const auto config = config_path(path))
            guests_[config->vmid] = {config->node, config->type, ++guest_version_};
    }
}

void ClusterTree::save(const std::string& path) const {
    if (mirror_.empty()) return;
    const auto& entry = entries_.at(path);
    if (entry.is_folder) {
        fs::create_directories(mirror_ / path);
        return;
    }
    const auto part = mirror_.string() + ".part";
    std::ofstream file{part, std::ios::binary | std::ios::trunc};
    file << entry.content;
    file.close();
    if (!file) fail(EIO, path);
    fs::create_directories((mirror_ / path).parent_path());
    fs::rename(part, mirror_ / path);
}

void ClusterTree::unsave(const std::string& path) const {
    if (!mirror_.empty()) fs::remove_all(mirror_ / path);
}

void ClusterTree::load() {
    fs::create_directories(mirror_);
    // A real restart takes longer than a second, so that starttime is always another one.
    const auto note = mirror_.string() + ".started";
    std::time_t before = 0;
    std::ifstream{note} >> before;
    start_time_ = std::max(start_time_, before + 1);
    std::ofstream{note} << start_time_;
    for (const auto& item : fs::recursive_directory_iterator{mirror_}) {
        const auto path = fs::relative(item.path(), mirror_).string();
        Entry entry{item.is_directory(), "", start_time_};
        if (!entry.is_folder) {
            std::ifstream file{item.path(), std::ios::binary};
            entry.content.assign(std::istreambuf_iterator<char>{file}, {});
        }
        entries_[path] = std::move(entry);
    }
    const auto prefix = std::string{"nodes/"};
    for (auto i = entries_.lower_bound(prefix); i != entries_.end() && i->first.starts_with(prefix); ++i) {
        const auto name = i->first.substr(prefix.size());
        if (!name.empty() && name.find('/') == name.npos) nodes_.insert(name);
    }
}

}  // namespace fip::sim::pve
