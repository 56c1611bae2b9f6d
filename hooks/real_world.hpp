#pragma once

#include "deadline.hpp"
#include "world.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace fip::hooks {

/// The daemon that looks after this hypervisor's guests.
struct Daemon {
    std::filesystem::path socket;
    std::string start_command;
};

/// The host that we run on. `deadline` and `clock` outlive it.
[[nodiscard]] World real_world(const Daemon& daemon, Deadline& deadline, const Clock& clock);

/// To the system's log, under the name that openlog() was given.
void log(std::string_view text);

/// One line on stderr. Without one nobody hears why; a refusal stands all the same.
void complain(std::string_view line) noexcept;

}  // namespace fip::hooks
