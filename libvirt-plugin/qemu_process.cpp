#include "qemu_process.hpp"

#include <string_view>

namespace fip::plugin {

std::optional<QemuProcess> find_qemu_process(const std::string& name, const std::string& uuid,
                                             const QemuFolders& folders) {
    if (name.empty() || uuid.empty() || name.find_first_of(std::string_view{"/\0", 2}) != name.npos) return {};
    return runtime::find_qemu_process(folders.pid_files / (name + ".pid"), "-uuid", uuid, folders.proc);
}

}  // namespace fip::plugin
