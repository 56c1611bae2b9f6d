#pragma once

#include "guest_config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fip::proxmox {

/// A guest's config where it was found.
struct GuestFile {
    std::filesystem::path path;
    GuestType type = GuestType::vm;
    bool is_local = true;  ///< In this node's folder.
    std::string text;
};

/// In this node's folder; else a VM's in the folder of the node that it migrates from. Empty: in neither, or pmxcfs is
/// not there.
/// @param pve            /etc/pve
/// @param migrated_from  a node's name; empty: none
/// @throws InputError  it is there and cannot be read
[[nodiscard]] std::optional<GuestFile> find_guest_file(const std::filesystem::path& pve, int vmid,
                                                       std::string_view migrated_from);

enum class Replaced {
    done,
    changed,  ///< It is gone, or another than was read: nothing was written.
};

/// Write another text in its place as Proxmox does, whole or not at all (PROXMOX.md 2.5). The lock on the config must
/// be held, by us or by the process that waits for us.
/// @throws GuestsUnavailable  it cannot be written: the old text is still there
/// @throws InputError         it cannot be read
[[nodiscard]] Replaced replace(const GuestFile& file, std::string_view text);

}  // namespace fip::proxmox
