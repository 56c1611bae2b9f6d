#pragma once

#include "core/address.hpp"
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
    std::string kind;
    std::string id;
    std::string name;
    bool is_running = false;
    bool is_persistent = false;
    bool is_held_back = false;
    std::vector<NicOfHost> nics;
    std::vector<std::string> remarks;
};

struct StepOfHost {
    std::string guest;  ///< Its id; empty: none.
    std::string address;
    std::string text;
};

/// The answer of `failover-ip-libvirt --once --dry-run --json`: the command line itself cannot see guests.
struct GuestsOfHost {
    std::vector<std::string> origins;  ///< Listed completely.
    std::vector<std::string> gaps;     ///< What could not be listed, and why.
    std::vector<GuestOfHost> guests;
    std::vector<StepOfHost> steps;
    [[nodiscard]] const GuestOfHost* find(std::string_view id) const;
};

/// Read such an answer. @throws std::runtime_error  it is not one
[[nodiscard]] GuestsOfHost parse_guests(std::string_view json);

/// Ask. Where it cannot be asked, nothing is listed, and `gaps` says why.
[[nodiscard]] GuestsOfHost ask_host(const Workplace& workplace);

}  // namespace fip::cli
