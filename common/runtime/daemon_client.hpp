#pragma once

#include "core/guest.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fip::runtime {

inline constexpr const char* libvirt_daemon_socket = "/run/failover-ip/libvirt.sock";
inline constexpr const char* proxmox_daemon_socket = "/run/failover-ip/proxmox.sock";

/// Of the daemon that looks after guests of this kind.
[[nodiscard]] constexpr const char* socket_of(GuestKind kind) {
    return kind == GuestKind::proxmox ? proxmox_daemon_socket : libvirt_daemon_socket;
}

/// Ask a daemon of ours: one line there, one line back. Requests: "ping"; "starting": a claim for a start follows;
/// "starting ID": this guest's start waits;
/// "look ID": look at this guest now, by libvirt's UUID or Proxmox' VMID; "waiting": an address may have become free,
/// look at the guests that wait; "work": see what the providers must be told; "poke": leases changed, "work" and
/// "waiting"; "reload": the configuration changed. Each is answered "ok" at once, before anything is done about it.
///
/// @param  limit  wall time for all of it
/// @return the answer without its line end; empty: nobody answered in time
[[nodiscard]] std::optional<std::string> ask(const std::filesystem::path& socket, std::string_view request,
                                             std::chrono::milliseconds limit) noexcept;

}  // namespace fip::runtime
