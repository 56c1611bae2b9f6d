#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fip::sim::pve {

enum class Kind { qemu, lxc };

/// The lines below one head. `delete: k1,k2` of a pending section is a value as any other.
struct Section {
    std::string description;  ///< Decoded; lines end with \n, but for the last.
    bool has_description = false;
    std::map<std::string, std::string> values;
    std::vector<std::string> raw;  ///< LXC: `lxc.*` lines, in their order.

    [[nodiscard]] bool is_empty() const { return !has_description && values.empty() && raw.empty(); }
    [[nodiscard]] std::string get(const std::string& key) const;  ///< "": not set.
    [[nodiscard]] bool has(const std::string& key) const { return values.contains(key); }
};

/// A guest's file as PVE's own parser sees it, written from its own knowledge of the grammar (facts 2.2, 2.4) and not
/// from ours: what PVE does not know is lost when it writes.
struct ConfigFile {
    Section main;
    Section pending;
    std::map<std::string, Section> special;    ///< "special:cloudinit"
    std::map<std::string, Section> snapshots;  ///< By name.
    std::string digest;                        ///< SHA-1 of the bytes that were read (facts 2.2).
};

using Warn = std::function<void(const std::string&)>;

[[nodiscard]] ConfigFile parse_config(Kind kind, int vmid, const std::string& text, const Warn& warn);
[[nodiscard]] std::string print_config(Kind kind, const ConfigFile& config);

/// Whether PVE has an option of that name.
[[nodiscard]] bool is_option(Kind kind, const std::string& key);
/// Whether a running guest takes the option's change at once, and it is never pending (facts 1.1, 3).
[[nodiscard]] bool is_fast_plug(Kind kind, const std::string& key);

}  // namespace fip::sim::pve
