#include "program_file.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace fip::proxmox {

namespace fs = std::filesystem;

bool is_program(const fs::path& file) {
    std::error_code absent;
    return fs::is_regular_file(file, absent) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<fs::path> find_program(std::string_view name) {
    const char* path = std::getenv("PATH");
    std::istringstream folders{"/usr/sbin:" + std::string{path == nullptr ? "" : path} + ":/usr/bin:/sbin:/bin"};
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (!folder.starts_with('/')) continue;  // whatever folder we happen to be in is none of it
        if (auto file = fs::path{folder} / name; is_program(file)) return file;
    }
    return {};
}

}  // namespace fip::proxmox
