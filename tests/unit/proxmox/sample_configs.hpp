#pragma once

#include "guest_config.hpp"

#include <string>
#include <vector>

namespace fip::proxmox::samples {

struct Sample {
    std::string name;
    GuestType type = GuestType::vm;
    std::string text;
};

/// Every model in every form, every kind of section, keys of PVE 8 and 9, containers, files that people typed.
[[nodiscard]] std::vector<Sample> all();

/// "net0: ...", without its line break.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

}  // namespace fip::proxmox::samples
