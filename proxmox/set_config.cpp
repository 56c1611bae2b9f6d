#include "set_config.hpp"

#include "core/errors.hpp"
#include "ports/guest_source.hpp"
#include "run_command.hpp"
#include "runtime/printable.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <system_error>
#include <utility>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

// It waits 10 s for the lock and some 6 s for a NIC; a busy host needs more for each.
constexpr auto longest = 90s;
constexpr auto between_refusals = 10min;

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

/// What it complains of: between the head of refused values and the usage line.
std::string complaint(const std::string& said) {
    constexpr std::string_view head = "400 Parameter verification failed.\n";
    const auto begin = said.find(head);
    if (begin == said.npos) return runtime::last_line(said);
    std::istringstream lines{said.substr(begin + head.size())};
    std::string text;
    for (std::string line; std::getline(lines, line) && line.find("<vmid> [OPTIONS]") == line.npos;) {
        if (!line.empty()) text += (text.empty() ? "" : "; ") + line;
    }
    return text;
}

// The words of qemu-server 8.4 and pve-container 5.3 (PROXMOX.md 1.3, 2.5, 3); PVE::Tools::assert_if_modified.
SetResult result_of(const CommandResult& ran) {
    if (ran.exit_code == 0) return SetResult::done;
    const auto says = [&](std::string_view words) { return ran.out.find(words) != std::string::npos; };
    if (says("hotplug problem")) return SetResult::pending;
    const bool has_gone = says("Configuration file '") && says("' does not exist");
    const bool is_later = has_gone || says("by other user") || says(" is locked (") || says("got timeout") ||
                          says("Permission denied") || says("no quorum") || says("ipcc_send_rec");
    if (is_later) return SetResult::later;
    throw InputError{"Proxmox refuses to change it: " + complaint(ran.out)};
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

bool is_lock_held(int vmid, GuestType type, const std::string& locks) {
    const auto id = std::to_string(vmid);
    const auto path =
        locks + (type == GuestType::vm ? "/qemu-server/lock-" + id + ".conf" : "/lxc/pve-config-" + id + ".lock");
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    // A clone holds the lock of its source for reading: that keeps `qm set` out, too.
    const bool is_held = ::flock(file, LOCK_EX | LOCK_NB) != 0;
    ::close(file);
    return is_held;
}

SetResult set_config(int vmid, const GuestConfig& config, const std::vector<ConfigChange>& changes,
                     const std::function<void()>& meanwhile) {
    if (is_lock_held(vmid, config.type())) return SetResult::busy;
    const auto words = command_for(vmid, config, changes);
    try {
        const auto ran = run_command(words, longest, Keep::errors, meanwhile);
        if (ran.is_late) throw GuestsUnavailable{words[0] + " set " + words[2] + " does not come to an end"};
        return result_of(ran);
    } catch (const std::system_error& error) {
        throw GuestsUnavailable{"guest " + words[2] + ": " + error.what()};
    }
}

std::vector<ConfigChange> Refusals::without(int vmid, const GuestConfig& config,
                                            std::vector<ConfigChange> changes) const {
    const auto found = all_.find(vmid);
    if (found == all_.end()) return changes;
    const auto& refused = found->second;
    const bool is_over = std::chrono::steady_clock::now() - refused.at >= between_refusals;
    if (is_over || refused.config != config.text()) return changes;
    std::erase_if(changes, [&](const ConfigChange& change) {
        return std::ranges::find(refused.changes, change) != refused.changes.end();
    });
    return changes;
}

void Refusals::follow(int vmid, const GuestConfig& before, const GuestConfig& after) {
    const auto found = all_.find(vmid);
    if (found != all_.end() && found->second.config == before.text()) found->second.config = after.text();
}

void Refusals::remember(int vmid, const GuestConfig& config, std::vector<ConfigChange> refused) {
    all_[vmid] = {config.text(), std::move(refused), std::chrono::steady_clock::now()};
}

}  // namespace fip::proxmox
