#pragma once

#include "core/mac.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fip::plugin {

/// The QEMU process of a running guest, as the kernel shows it.
struct QemuProcess {
    std::chrono::milliseconds age{};  ///< Since the process began, also while its guest was paused.
    /// CPU time of the vCPU that has run most; stands still while the guest is paused. Absent: the kernel does not say.
    std::optional<std::chrono::microseconds> ran;
    bool is_continued = false;  ///< It began with a saved image, a snapshot or an incoming migration.
    bool has_kernel = false;    ///< Its kernel was handed to it.
    std::vector<Mac> macs;      ///< Of the NICs it began with.
};

/// vCPUs use less before their first instruction (measured: 1 ms), and no guest's system is up so soon.
inline constexpr std::chrono::milliseconds not_begun{20};

/// Where to look.
struct QemuFolders {
    std::filesystem::path pid_files = "/run/libvirt/qemu";
    std::filesystem::path proc = "/proc";
};

/// Empty: there is no such process (any more), or it cannot be told that it is this guest's.
[[nodiscard]] std::optional<QemuProcess> find_qemu_process(const std::string& name, const std::string& uuid,
                                                           const QemuFolders& folders);

}  // namespace fip::plugin
