#include "units.hpp"

#include "run_command.hpp"

#include <stdexcept>
#include <vector>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

// A watcher that is to stop finishes the `qm set` that it is in: TimeoutStopSec, then TimeoutStartSec.
constexpr auto longest = 3min;

CommandResult systemctl(std::vector<std::string> words) {
    words.insert(words.begin(), "systemctl");
    return run_command(words, longest);
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

void must(const std::vector<std::string>& words) {
    const auto ran = systemctl(words);
    if (ran.exit_code == 0) return;
    std::string call = "systemctl";
    for (const auto& word : words) call += " " + word;
    throw std::runtime_error{call + (ran.is_late ? " does not come to an end" : " failed: " + first_line(ran.out))};
}

}  // namespace

bool is_enabled(const std::string& unit) {
    return systemctl({"is-enabled", "--quiet", unit}).exit_code == 0;
}

bool is_active(const std::string& unit) {
    return systemctl({"is-active", "--quiet", unit}).exit_code == 0;
}

void reload_units() {
    must({"daemon-reload"});
}

void enable(const std::string& unit) {
    must({"enable", "--quiet", unit});
}

void restart(const std::string& unit) {
    must({"restart", unit});
}

void stop_and_disable(const std::string& unit) {
    if (!is_enabled(unit) && !is_active(unit)) return;
    must({"disable", "--quiet", "--now", unit});
}

}  // namespace fip::proxmox
