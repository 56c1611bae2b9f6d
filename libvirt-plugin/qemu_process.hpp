#pragma once

#include "runtime/qemu_process.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fip::plugin {

using runtime::not_begun;
using runtime::QemuProcess;

/// Where to look.
struct QemuFolders {
    std::filesystem::path pid_files = "/run/libvirt/qemu";
    std::filesystem::path proc = "/proc";
};

/// Empty: there is no such process (any more), or it cannot be told that it is this guest's.
[[nodiscard]] std::optional<QemuProcess> find_qemu_process(const std::string& name, const std::string& uuid,
                                                           const QemuFolders& folders);

}  // namespace fip::plugin
