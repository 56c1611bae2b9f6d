#pragma once

#include "core/address.hpp"
#include "core/guest.hpp"
#include "workplace.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::cli {

/// What the daemon's program says of one managed NIC.
struct NicOfHost {
    int nic = 0;
    std::string slot;
    std::string bridge;
    std::string mac;  ///< Worn; empty: none.
    std::string pool;
    std::string wanted_mac;  ///< Empty: not known yet.
    std::vector<std::string> addresses;
    std::string problem;
};

struct GuestOfHost {
    GuestId id;  ///< Whole, as the store has it.
    std::string name;
    bool is_running = false;
    bool is_persistent = false;
    bool is_held_back = false;
    std::vector<NicOfHost> nics;
    std::vector<std::string> remarks;
};

struct StepOfHost {
    std::optional<GuestId> guest;
    std::string address;
    std::string text;
};

/// What could not be listed, and why.
struct GapOfHost {
    GuestKind kind = GuestKind::libvirt;
    std::string text;
};

/// The answers of `failover-ip-libvirt --once --dry-run --json` and its like: the command line itself sees no guests.
struct GuestsOfHost {
    std::vector<std::string> origins;  ///< Listed completely.
    std::vector<GapOfHost> gaps;
    std::vector<GuestOfHost> guests;
    std::vector<StepOfHost> steps;
    [[nodiscard]] const GuestOfHost* find(const GuestId& id) const;
    [[nodiscard]] std::vector<std::string> gaps_of(GuestKind kind) const;
};

/// Read such an answer of the program for this kind of guests. @throws std::runtime_error  it is not one
[[nodiscard]] GuestsOfHost parse_guests(std::string_view json, GuestKind kind);

/// Ask for the guests of all hypervisors. Where one cannot be asked, none of its guests is listed, and `gaps` says why.
[[nodiscard]] GuestsOfHost ask_host(const Workplace& workplace);

}  // namespace fip::cli
