#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fip::sim::pve {

/// What lstat() tells of one name.
struct Attributes {
    mode_t mode = 0;  ///< Type and permission bits.
    off_t size = 0;
    std::time_t changed = 0;  ///< Whole seconds, as pmxcfs keeps them.
};

/// The files of a cluster as pmxcfs keeps them: in memory, with its rules (facts 2.1, 2.5, 4.1). The mounts of several
/// nodes may look at one tree. Paths have no leading slash; "" is the root.
///
/// Threads may share an object.
/// @throws std::system_error  from every call, with the errno that the file system answers
class ClusterTree {
public:
    /// @param mirror  a folder that keeps the files over a restart; empty: they end with the process
    explicit ClusterTree(std::filesystem::path mirror);

    /// A node joins: its folders are made, if they are not there.
    void add_node(const std::string& node);

    /// `node`: through whose mount it is seen; `local` and its like lead to that node's folder.
    [[nodiscard]] Attributes attributes(const std::string& path, const std::string& node) const;
    [[nodiscard]] std::string link_target(const std::string& path, const std::string& node) const;
    [[nodiscard]] std::vector<std::string> list(const std::string& path) const;
    [[nodiscard]] std::string content(const std::string& path, const std::string& node) const;

    void create(const std::string& path);
    void write(const std::string& path, std::string_view bytes, std::size_t offset);
    void truncate(const std::string& path, std::size_t size);
    void make_folder(const std::string& path);
    void remove_file(const std::string& path);
    void remove_folder(const std::string& path);
    void rename(const std::string& from, const std::string& to);
    void touch(const std::string& path, std::time_t when);

    /// Whole file at once, as another node's tmp and rename would leave it; missing folders are made.
    void put(const std::string& path, std::string_view bytes);

    void set_quorate(bool is_quorate);
    void set_read_only(bool is_read_only);
    [[nodiscard]] static bool is_generated(const std::string& path);  ///< .vmlist, .version, .members
    [[nodiscard]] static bool is_private(const std::string& path);

private:
    struct Entry {
        bool is_folder = false;
        std::string content;
        std::time_t changed = 0;
    };
    struct Guest {
        std::string node;
        std::string type;  ///< "qemu", "lxc"
        std::uint32_t version = 0;
    };
    struct ConfigPath {
        int vmid = 0;
        std::string node;
        std::string type;
    };
    using Entries = std::map<std::string, Entry, std::less<>>;

    [[nodiscard]] static std::optional<ConfigPath> config_path(const std::string& path);
    [[nodiscard]] Entry& at(const std::string& path);
    [[nodiscard]] const Entry& at(const std::string& path) const;
    [[nodiscard]] std::string generated(const std::string& path, const std::string& node) const;
    [[nodiscard]] std::string vmlist() const;
    [[nodiscard]] std::string version() const;
    [[nodiscard]] std::string members(const std::string& node) const;
    [[nodiscard]] bool is_empty_folder(const std::string& path) const;
    void check_writable() const;
    void check_parent(const std::string& path) const;
    void check_vmid(const std::string& path, const std::optional<ConfigPath>& moved_from) const;
    void make_folder_unchecked(const std::string& path);
    void has_changed(const std::string& path);
    void has_gone(const std::string& path);
    void read_guests();
    void save(const std::string& path) const;
    void unsave(const std::string& path) const;
    void load();

    mutable std::mutex mutex_;
    std::filesystem::path mirror_;
    Entries entries_;
    std::set<std::string> nodes_;
    std::map<int, Guest> guests_;
    std::map<std::string, std::uint32_t> file_versions_;
    std::uint32_t list_version_ = 1;
    std::uint32_t guest_version_ = 0;
    std::time_t start_time_;
    bool is_quorate_ = true;
    bool is_read_only_ = false;
};

}  // namespace fip::sim::pve
