#include "core/lease.hpp"

#include "core/errors.hpp"

#include <array>
#include <utility>

namespace fip {
namespace {

template <typename Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<LeaseState, 7> lease_states{{{LeaseState::warming, "warming"},
                                             {LeaseState::warm, "warm"},
                                             {LeaseState::pending, "pending"},
                                             {LeaseState::active, "active"},
                                             {LeaseState::releasing, "releasing"},
                                             {LeaseState::cooling, "cooling"},
                                             {LeaseState::away, "away"}}};
constexpr Names<RdnsState, 5> rdns_states{{{RdnsState::none, "none"},
                                           {RdnsState::pending, "pending"},
                                           {RdnsState::set, "set"},
                                           {RdnsState::failed, "failed"},
                                           {RdnsState::clearing, "clearing"}}};
constexpr Names<Stay, 3> stays{{{Stay::here, "here"}, {Stay::left, "left"}, {Stay::arriving, "arriving"}}};
constexpr Names<GuestKind, 2> guest_kinds{{{GuestKind::libvirt, "libvirt"}, {GuestKind::proxmox, "proxmox"}}};

template <typename Table, typename Enum>
std::string_view name_in(const Table& table, Enum wanted) noexcept {
    for (const auto& [value, name] : table) {
        if (value == wanted) return name;
    }
    return "?";
}

template <typename Enum, std::size_t N>
Enum value_in(const Names<Enum, N>& table, std::string_view wanted) {
    for (const auto& [value, name] : table) {
        if (name == wanted) return value;
    }
    throw InputError{"unknown name: \"" + std::string{wanted.substr(0, 64)} + "\""};
}

}  // namespace

void wish_hostname(Lease& lease, std::string name, bool has_rdns, WallTime now) {
    const bool is_same = lease.rdns == RdnsState::clearing ? name.empty() : lease.hostname == name;
    if (is_same) return;
    // One try stays on record where an older name of ours may stand at the provider: its release has to know.
    const bool may_stand = lease.rdns != RdnsState::none && (lease.rdns == RdnsState::set || lease.rdns_tries > 0);
    lease.rdns_tries = may_stand ? 1 : 0;
    lease.rdns_due = now;
    // The old name is kept until it is taken back: only then do we know that what the provider shows is ours.
    if (name.empty() && lease.rdns != RdnsState::none) {
        lease.rdns = RdnsState::clearing;
        return;
    }
    lease.hostname = std::move(name);
    lease.rdns = has_rdns && !lease.hostname.empty() ? RdnsState::pending : RdnsState::none;
}

std::string_view name_of(LeaseState state) noexcept {
    return name_in(lease_states, state);
}
std::string_view name_of(RdnsState state) noexcept {
    return name_in(rdns_states, state);
}
std::string_view name_of(Stay stay) noexcept {
    return name_in(stays, stay);
}
std::string_view name_of(GuestKind kind) noexcept {
    return name_in(guest_kinds, kind);
}

LeaseState lease_state(std::string_view name) {
    return value_in(lease_states, name);
}
RdnsState rdns_state(std::string_view name) {
    return value_in(rdns_states, name);
}
Stay stay(std::string_view name) {
    return value_in(stays, name);
}
GuestKind guest_kind(std::string_view name) {
    return value_in(guest_kinds, name);
}

}  // namespace fip
