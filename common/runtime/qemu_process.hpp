#pragma once

#include "core/mac.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::runtime {

/// The QEMU process of a running guest, as the kernel shows it.
struct QemuProcess {
    struct Nic {
        std::string id;  ///< Of the device: "net0".
        Mac mac;
    };
    std::chrono::milliseconds age{};  ///< Since the process began, also while its guest was paused.
    /// CPU time of the vCPU that has run most; stands still while the guest is paused. Absent: the kernel does not say.
    std::optional<std::chrono::microseconds> ran;
    bool is_continued = false;  ///< It began with a saved image, a snapshot or an incoming migration.
    bool has_kernel = false;    ///< Its kernel was handed to it.
    std::vector<Nic> nics;      ///< That it began with.
};

/// vCPUs use less before their first instruction (measured: 1 ms), and no guest's system is up so soon.
inline constexpr std::chrono::milliseconds not_begun{20};

/// Empty: there is no such process (any more), or its arguments lack `option` with `value`: it is not this guest's.
[[nodiscard]] std::optional<QemuProcess> find_qemu_process(const std::filesystem::path& pid_file,
                                                           std::string_view option, std::string_view value,
                                                           const std::filesystem::path& proc = "/proc");

}  // namespace fip::runtime
