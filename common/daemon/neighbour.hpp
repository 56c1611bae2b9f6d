#pragma once

#include "core/guest.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

namespace fip::daemon {

/// The daemon of this host's other kind of guests, with which the store is shared. It need not be there. Whatever it is
/// told is an accelerator: its own comparison finds what was lost. It never tells anybody on what it was told by us.
/// Threads may share it.
class Neighbour {
public:
    explicit Neighbour(std::filesystem::path socket) : socket_{std::move(socket)} {}

    void look(const GuestId& guest) { tell("look " + guest.value); }  ///< Its leases changed.
    void look_at_waiting() { tell("waiting"); }                       ///< An address may have become free.
    void reload() { tell("reload"); }  ///< Two configurations would fight about the guard.

private:
    void tell(const std::string& request);

    std::filesystem::path socket_;
    std::atomic<std::chrono::steady_clock::time_point> quiet_until_{std::chrono::steady_clock::time_point{}};
};

[[nodiscard]] constexpr GuestKind other_kind(GuestKind kind) {
    return kind == GuestKind::libvirt ? GuestKind::proxmox : GuestKind::libvirt;
}

}  // namespace fip::daemon
