#include "guest_file.hpp"

#include "config/read_file.hpp"
#include "replace_file.hpp"
#include "text.hpp"

#include <utility>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_of(const fs::path& file) {
    auto read = config::read_file(file, GuestConfig::most_bytes, config::Access::anybody);
    if (read.is_missing) return {};
    return std::move(read.text);
}

std::optional<GuestFile> read_guest_file(const fs::path& path, GuestType type, bool is_local) {
    auto text = text_of(path);
    if (!text) return {};
    return GuestFile{path, type, is_local, std::move(*text)};
}

}  // namespace

std::optional<GuestFile> find_guest_file(const fs::path& pve, int vmid, std::string_view migrated_from) {
    const auto name = std::to_string(vmid) + ".conf";
    const auto local = pve / "local";
    if (auto found = read_guest_file(local / "qemu-server" / name, GuestType::vm, true)) return found;
    if (auto found = read_guest_file(local / "lxc" / name, GuestType::container, true)) return found;
    if (!is_folder_name(migrated_from)) return {};
    return read_guest_file(pve / "nodes" / migrated_from / "qemu-server" / name, GuestType::vm, false);
}

Replaced replace(const GuestFile& file, std::string_view text) {
    // A file that vanished was destroyed or migrated: a rename would bring it back.
    if (text_of(file.path) != file.text) return Replaced::changed;
    replace_file(file.path, text);
    return Replaced::done;
}

}  // namespace fip::proxmox
