#pragma once

#include <map>
#include <string>
#include <vector>

namespace fip::sim::pve {

/// A command line as PVE::CLIHandler reads it: `qm set 101 --net0 virtio,bridge=vmbr0`.
struct Call {
    std::vector<std::string> words;              ///< What is no option.
    std::map<std::string, std::string> options;  ///< A flag without a value: "1".

    [[nodiscard]] static Call parse(const std::vector<std::string>& arguments);
    [[nodiscard]] bool is_set(const std::string& flag) const;
    std::string take(const std::string& option);  ///< Its value, and it is no option any more; "": absent.
    /// @throws CommandError  it is not there, or no VMID
    [[nodiscard]] int vmid(std::size_t at) const;
};

/// What PVE::JSONSchema::get_options makes of a value: characters by the locale's encoding. Without UTF-8 in LC_ALL,
/// LC_CTYPE or LANG (the first that is set) each byte above 0x7f is lost.
[[nodiscard]] std::vector<std::string> decoded_by_locale(std::vector<std::string> arguments);

}  // namespace fip::sim::pve
