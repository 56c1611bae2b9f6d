#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::guard {

/// The words of /proc/PID/cmdline.
[[nodiscard]] std::vector<std::string> command_words(std::string_view text);

/// The guest's name on QEMU's command line: `-name guest=web,...` or `-name web`. Empty: not QEMU, or it has none.
[[nodiscard]] std::optional<std::string> qemu_guest(const std::vector<std::string>& words);

/// Which network device of a QEMU has this tap, by its name or by its descriptor: "net0". Empty: it cannot be told.
[[nodiscard]] std::string qemu_nic(const std::vector<std::string>& words, std::string_view tap, std::string_view file);

/// The value after `option` ("--name"); empty: there is none.
[[nodiscard]] std::optional<std::string> option_value(const std::vector<std::string>& words, std::string_view option);

struct ContainerName {
    std::string name;
    std::string by;  ///< docker, podman, lxc, nspawn, libvirt, kubernetes, containerd
    friend bool operator==(const ContainerName&, const ContainerName&) = default;
};

/// The container in /proc/PID/cgroup. Empty: a process of the host.
[[nodiscard]] std::optional<ContainerName> container_of(std::string_view cgroup);

}  // namespace fip::guard
