#pragma once

#include <filesystem>
#include <string_view>

namespace fip::proxmox {

/// Put this text in the place of the file as Proxmox does (PVE::Tools::file_set_contents): a new file beside it,
/// renamed over it, so that readers see the old text or the new one. pmxcfs gives it its mode and owner. What others
/// left when they were killed in this goes. The file's lock must be held.
/// @throws GuestsUnavailable  it cannot be written: no quorum, no space, no such folder
void replace_file(const std::filesystem::path& file, std::string_view text);

}  // namespace fip::proxmox
