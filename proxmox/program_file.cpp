#include "program_file.hpp"

#include <unistd.h>

namespace fip::proxmox {

bool is_program(const std::filesystem::path& file) {
    std::error_code absent;
    return std::filesystem::is_regular_file(file, absent) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace fip::proxmox
