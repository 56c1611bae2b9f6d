#pragma once

#include "cluster.hpp"

#include <filesystem>
#include <string_view>

namespace fip::proxmox {

/// Where the snippets of storage `local` lie, by the text of /etc/pve/storage.cfg.
///
/// Proxmox makes `local` a folder at /var/lib/vz whatever the file says, also where it says nothing; what counts of its
/// section is `content-dirs` (PVE::Storage::Plugin::parse_config). Which contents the section lists does not matter to
/// a hookscript.
[[nodiscard]] std::filesystem::path snippet_folder(std::string_view storage_cfg);

/// The snippet as this node finds it under `local:snippets/failover-ip`.
/// @throws InputError  storage.cfg cannot be read
[[nodiscard]] std::filesystem::path snippet_place(const Cluster& cluster);

}  // namespace fip::proxmox
