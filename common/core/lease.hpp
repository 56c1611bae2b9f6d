#pragma once

#include "core/address.hpp"
#include "core/guest.hpp"
#include "core/mac.hpp"
#include "core/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fip {

/// Life of a row: warming -> warm -> pending -> active -> releasing -> cooling -> erased.
enum class LeaseState {
    warming,    ///< Stock: the provider is being asked for route and virtual MAC.
    warm,       ///< Stock: free, with a confirmed virtual MAC of ours.
    pending,    ///< A guest's or reserved; route or MAC not confirmed yet.
    active,     ///< A guest's or reserved; MAC confirmed by a read.
    releasing,  ///< Holder gone; reverse name and MAC are being taken back.
    cooling,    ///< In quarantine until `cooling_until`.
    away,       ///< The guest or the address lives on another server.
};

enum class RdnsState {
    none,      ///< Left alone.
    pending,   ///< To be set, or set and not yet read back.
    set,       ///< Read back.
    failed,    ///< Refused; tried again at `rdns_due`.
    clearing,  ///< The name is no longer wanted; to be reset.
};

/// Whether guest and address are on this server.
enum class Stay {
    here,
    left,      ///< The guest migrated away; its address may follow any moment.
    arriving,  ///< The guest came from another server; its address is being moved here.
};

/// Durable tie of an address to a guest's NIC; before and after that, to our stock or quarantine. Never expires.
struct Lease {
    Address address;
    std::string provider;
    std::string pool;
    LeaseState state = LeaseState::pending;
    std::optional<GuestId> guest;  ///< Absent: stock, or a reservation for `guest_name`.
    std::string guest_name;
    std::string origin;      ///< Guest::origin of the holder.
    std::string slot;        ///< Which managed NIC: libvirt "0", "1", ...; Proxmox "net0".
    std::string bridge;      ///< Where its NIC hung last; empty: not known.
    int ordinal = 0;         ///< Place among the addresses of one NIC; 0 has the MAC that the others share.
    std::optional<Mac> mac;  ///< Last MAC that a read showed; `manual`: the configured or made one.
    /// We recorded that we are about to ask the provider for a MAC: one that a later read shows is ours.
    bool is_mac_asked = false;
    bool is_adopted = false;  ///< Found, not made: a person set it up by hand.
    Stay stay = Stay::here;
    std::string hostname;         ///< Reverse name wanted; empty: left alone.
    bool is_name_chosen = false;  ///< A person chose `hostname` for this lease: the pool's template does not change it.
    RdnsState rdns = RdnsState::none;
    int rdns_tries = 0;
    WallTime rdns_due{};                    ///< Not before; for pending and failed.
    WallTime since{};                       ///< When the holder got it.
    std::optional<WallTime> cooling_until;  ///< Only while cooling.
    std::optional<WallTime> routed_at;      ///< Our last routing request, until a read 30 s later confirmed it.
    std::optional<WallTime> retry_at;       ///< Provider was busy or refused: no write about route or MAC before.
    friend bool operator==(const Lease&, const Lease&) = default;
};

/// Held for a guest or by reservation: what users call a lease.
[[nodiscard]] constexpr bool is_held(LeaseState state) noexcept {
    return state == LeaseState::pending || state == LeaseState::active || state == LeaseState::away;
}
[[nodiscard]] constexpr bool is_stock(LeaseState state) noexcept {
    return state == LeaseState::warming || state == LeaseState::warm;
}

/// Change the wanted reverse name; what has to be done about it follows from `rdns`. The same name: no effect.
/// @param has_rdns  whether the provider can set reverse names at all
void wish_hostname(Lease& lease, std::string name, bool has_rdns, WallTime now);

[[nodiscard]] std::string_view name_of(LeaseState state) noexcept;
[[nodiscard]] std::string_view name_of(RdnsState state) noexcept;
[[nodiscard]] std::string_view name_of(Stay stay) noexcept;
[[nodiscard]] std::string_view name_of(GuestKind kind) noexcept;
/// @throws InputError  not one of the names
[[nodiscard]] LeaseState lease_state(std::string_view name);
[[nodiscard]] RdnsState rdns_state(std::string_view name);
[[nodiscard]] Stay stay(std::string_view name);
[[nodiscard]] GuestKind guest_kind(std::string_view name);

}  // namespace fip
