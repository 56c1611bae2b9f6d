#include "set_config.hpp"

#include "core/errors.hpp"
#include "ports/guest_source.hpp"
#include "run_command.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

// It waits 10 s for the lock and some 6 s for a NIC; a busy host needs more for each.
constexpr auto longest = 90s;
constexpr auto between_calls = 200ms;

std::vector<std::string> command_for(int vmid, const GuestConfig& config, const std::vector<ConfigChange>& changes) {
    std::vector<std::string> words{config.type() == GuestType::vm ? "qm" : "pct", "set", std::to_string(vmid),
                                   "--digest", digest_of(config.text())};
    std::string removed;
    for (const auto& change : changes) {
        if (change.value) {
            words.push_back("--" + change.key);
            words.push_back(*change.value);
        } else {
            removed += (removed.empty() ? "" : ",") + change.key;
        }
    }
    if (!removed.empty()) {
        words.emplace_back("--delete");
        words.push_back(removed);
    }
    return words;
}

/// `qm set` would wait 10 s for it, and everybody else with us. Never made here: only a lock that is there is held.
bool is_lock_held(int vmid, GuestType type) {
    const auto id = std::to_string(vmid);
    const auto path = type == GuestType::vm ? "/var/lock/qemu-server/lock-" + id + ".conf"
                                            : "/run/lock/lxc/pve-config-" + id + ".lock";
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool is_held = ::flock(file, LOCK_SH | LOCK_NB) != 0;
    ::close(file);
    return is_held;
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

// The words of qemu-server 8.4 and pve-container 5.3 (PROXMOX.md 1.3, 2.5, 3).
SetResult result_of(const CommandResult& ran) {
    if (ran.exit_code == 0) return SetResult::done;
    const auto says = [&](std::string_view words) { return ran.out.find(words) != std::string::npos; };
    if (says("hotplug problem")) return SetResult::pending;
    const bool is_later = says("checksum mismatch") || says(" is locked (") || says("got timeout") ||
                          says("does not exist") || says("Permission denied") || says("no quorum");
    if (is_later) return SetResult::later;
    throw InputError{"Proxmox refuses to change it: " + last_line(ran.out)};
}

}  // namespace

std::string digest_of(const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    if (::EVP_Digest(text.data(), text.size(), bytes.data(), &size, ::EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error{"SHA-1 is not available"};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += digits[bytes.at(i) >> 4U];
        hex += digits[bytes.at(i) & 15U];
    }
    return hex;
}

SetResult set_config(int vmid, const GuestConfig& config, const std::vector<ConfigChange>& changes,
                     const std::function<void()>& meanwhile) {
    if (is_lock_held(vmid, config.type())) return SetResult::busy;
    const auto words = command_for(vmid, config, changes);
    try {
        RunningCommand command{words, longest};
        while (!command.wait(between_calls)) meanwhile();
        if (command.result().is_late) throw GuestsUnavailable{words.front() + " set does not come to an end"};
        return result_of(command.result());
    } catch (const std::system_error& error) {
        throw GuestsUnavailable{error.what()};
    }
}

}  // namespace fip::proxmox
