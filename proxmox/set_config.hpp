#pragma once

#include "guest_config.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fip::proxmox {

/// How `qm set` or `pct set` ended.
enum class SetResult {
    done,
    pending,  ///< A running guest did not let go of its NIC: the new value waits for its next start.
    busy,     ///< Somebody holds the guest's lock right now, as a start does: try again in a moment.
    later,    ///< The config is locked, or was changed meanwhile: look again.
    refused,  ///< Proxmox refused just this a while ago, and is not asked again yet (Refusals).
};

/// `qm set` would wait 10 s for the guest's lock, and everybody else with us. Never made here: only a lock that is
/// there is held. What it finds may be over a moment later.
/// @param locks  where the lock files lie: /var/lock leads there
[[nodiscard]] bool is_lock_held(int vmid, GuestType type, const std::string& locks = "/run/lock");

/// Change these keys through Proxmox' own program: it takes the lock, compares the digest of the text that `config` was
/// read from, plugs NICs of running guests in anew. Repeatable. `meanwhile` is called some times a second until it
/// ends. After InputError the config may be another one: pct writes before it plugs a NIC in, and unplugs the old one.
/// @throws InputError         Proxmox refuses the values
/// @throws GuestsUnavailable  its program cannot be started, or this call of it was killed after 90 s: says nothing of
///                            other guests
[[nodiscard]] SetResult set_config(int vmid, const GuestConfig& config, const std::vector<ConfigChange>& changes,
                                   const std::function<void()>& meanwhile);

/// What Proxmox refused, or hung at. A running container loses its network each time that pct fails to plug its NIC in,
/// and a program that hangs holds up everybody: so nothing is tried twice for the same config within ten minutes.
class Refusals {
public:
    /// The changes that may be tried.
    [[nodiscard]] std::vector<ConfigChange> without(int vmid, const GuestConfig& config,
                                                    std::vector<ConfigChange> changes) const;
    /// @param config  as it is after the refusals
    void remember(int vmid, const GuestConfig& config, std::vector<ConfigChange> refused);
    void forget(int vmid) { all_.erase(vmid); }
    /// Our own change of the rest of a config is none that makes the refused worth another try.
    void follow(int vmid, const GuestConfig& before, const GuestConfig& after);

private:
    struct Refused {
        std::string config;
        std::vector<ConfigChange> changes;
        std::chrono::steady_clock::time_point at;
    };
    std::map<int, Refused> all_;
};

/// SHA-1 of the text, in hex: what Proxmox calls the digest of a config.
[[nodiscard]] std::string digest_of(const std::string& text);

}  // namespace fip::proxmox
