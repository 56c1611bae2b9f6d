#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace fip::proxmox {

/// A regular file, not a link to one, with exactly these bytes, that everybody may execute.
[[nodiscard]] bool is_program_with(const std::filesystem::path& file, std::string_view bytes);

/// Put this program there, making its folder. A start in that moment finds the old one or the new one, and it is on
/// disk when this returns. One process at a time.
/// @throws std::system_error  it cannot be written: the old one is still there
void put_program(const std::filesystem::path& file, std::string_view bytes);

/// Write this text, for root's eyes, where there is no file. False: there is one, and it stays as it is.
/// @throws std::system_error
[[nodiscard]] bool put_if_absent(const std::filesystem::path& file, std::string_view text);

/// Only one set-up works on a node at a time. Held until destroyed.
class SetupLock {
public:
    SetupLock();  ///< @throws std::runtime_error  another one has it
    ~SetupLock();
    SetupLock(const SetupLock&) = delete;
    SetupLock& operator=(const SetupLock&) = delete;

private:
    int file_ = -1;
};

}  // namespace fip::proxmox
