#pragma once

#include "core/mac.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

/// Which of the two kinds of guest a node runs: /etc/pve/nodes/NODE/qemu-server/100.conf or .../lxc/200.conf.
enum class GuestType { vm, container };

/// N of netN is below it.
inline constexpr int most_nics = 32;

/// netN as its config has it.
struct ConfigNic {
    int number = 0;  ///< N, 0..31.
    std::string bridge;
    std::optional<Mac> mac;  ///< Absent: none in the line (Proxmox makes one up at each start), or not readable.
    std::string model;       ///< "virtio", "e1000", ...; "veth" for containers.
    bool is_tagged = false;  ///< Has `tag=`: never managed.
    friend bool operator==(const ConfigNic&, const ConfigNic&) = default;
};

/// One key of the main section that gets another value, or goes.
struct ConfigChange {
    std::string key;
    std::optional<std::string> value;  ///< Of `description`: as people read it, not encoded. Absent: the key goes.
    friend bool operator==(const ConfigChange&, const ConfigChange&) = default;
};

/// The text of one guest's config, in the grammar of qemu-server 8.4/9.2 (PVE::QemuServer::parse_vm_config) and
/// pve-container 5.3/6 (PVE::LXC::Config::parse_pct_config). Reads the main section and [PENDING] ([pve:pending] of
/// containers); snapshots, [special:...] and what it does not know are only carried along.
class GuestConfig {
public:
    /// Longest file that pmxcfs takes.
    static constexpr std::size_t most_bytes = std::size_t{1} << 20;

    /// @throws InputError  longer than `most_bytes`, or with a NUL
    GuestConfig(GuestType type, std::string text);

    [[nodiscard]] GuestType type() const { return type_; }
    [[nodiscard]] const std::string& text() const { return text_; }

    /// Of the main section; of several the last, as Proxmox takes it. Trimmed, not decoded.
    [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const;
    /// What it will be when the pending changes are applied: at the next stop or start.
    [[nodiscard]] std::optional<std::string_view> planned_value(std::string_view key) const;

    /// Empty: none. Also "suspended" of a hibernated VM whose lock was taken out by hand: its next start resumes it no
    /// less, with the MACs of its saved state (PVE::QemuServer::vm_start).
    [[nodiscard]] std::string lock() const;
    [[nodiscard]] bool is_template() const;
    [[nodiscard]] std::string name() const;  ///< `name`, of containers `hostname`; empty: none.
    [[nodiscard]] std::string uuid() const;  ///< smbios1's, in lower case; empty: none, and for containers.
    [[nodiscard]] std::string hookscript() const;
    [[nodiscard]] std::vector<std::string> tags() const;
    [[nodiscard]] std::string description() const;              ///< Decoded; lines end with '\n' but for the last.
    [[nodiscard]] std::vector<ConfigNic> nics() const;          ///< By number, of the main section.
    [[nodiscard]] std::vector<ConfigNic> planned_nics() const;  ///< By number, with what is pending.
    /// Has a cloud-init drive: only then ipconfigN means anything.
    [[nodiscard]] bool has_cloud_init() const;

private:
    friend std::string changed_text(const GuestConfig& config, const std::vector<ConfigChange>& changes);

    enum class Section { main, pending, other };
    struct Line {
        std::size_t begin = 0;
        std::size_t size = 0;  ///< Without its end.
        std::size_t next = 0;  ///< Where the next one begins: after "\n", "\r\n", or nothing at the end of the file.
        Section section = Section::main;
    };

    void read_lines();
    [[nodiscard]] std::string_view line_text(const Line& line) const;
    [[nodiscard]] std::optional<std::string_view> value_in(Section section, std::string_view key) const;
    [[nodiscard]] bool is_to_be_deleted(std::string_view key) const;

    GuestType type_;
    std::string text_;
    std::vector<Line> lines_;
};

/// The same text with these changes in the main section, every other byte as it was. A key that is there keeps its
/// place; a new one comes at the end of the main section. Of a changed description the lines up to the first that
/// differs stay as they are.
///
/// @throws InputError  a key or value that would not be read back: empty, with a line break or another control
///         character, or blanks around it (a description may have all of these)
[[nodiscard]] std::string changed_text(const GuestConfig& config, const std::vector<ConfigChange>& changes);

/// The value of netN with another MAC, in upper case as Proxmox writes it, and nothing else changed. One that has this
/// MAC already, in whatever case, stays as it is.
[[nodiscard]] std::string with_mac(GuestType type, std::string_view net, const Mac& mac);

}  // namespace fip::proxmox
