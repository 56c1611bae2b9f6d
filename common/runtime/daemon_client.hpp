#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fip::runtime {

inline constexpr const char* libvirt_daemon_socket = "/run/failover-ip/libvirt.sock";

/// Ask a daemon of ours: one line there, one line back. Requests: "ping"; "starting": a claim for a start follows;
/// "look UUID": look at this guest now; "work": see what the providers must be told; "poke": leases changed, "work" and
/// look at the guests that wait. Each is answered "ok" at once, before anything is done about it.
///
/// @param  limit  wall time for all of it
/// @return the answer without its line end; empty: nobody answered in time
[[nodiscard]] std::optional<std::string> ask(const std::filesystem::path& socket, std::string_view request,
                                             std::chrono::milliseconds limit) noexcept;

}  // namespace fip::runtime
