#pragma once

#include "guests.hpp"
#include "lease_view.hpp"
#include "network_text.hpp"
#include "ports/rows.hpp"
#include "workplace.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fip::cli {

/// What is known of one guest, joined from the store and from the hypervisor.
struct Explanation {
    std::optional<GuestId> id;  ///< Absent for a mere reservation.
    std::string name;
    std::optional<GuestOfHost> seen;  ///< As the hypervisor has it; absent: it was not there, or could not be asked.
    std::vector<GapOfHost> gaps;      ///< Why it may be absent.
    std::vector<LeaseView> leases;
    std::vector<GuestNote> notes;
    std::vector<std::string> steps;      ///< What a look at it would do now.
    std::vector<BlockedSender> blocked;  ///< What it tried to send, and the guard stopped.
    std::vector<GuestNetwork> network;
};

/// By name, UUID or VMID; several where guests of several drivers share a name. Empty: neither guest nor lease.
[[nodiscard]] std::vector<Explanation> explain(Workplace& workplace, const GuestsOfHost& host,
                                               const std::string& guest);

[[nodiscard]] std::string text_of(const Explanation& explanation, bool is_coloured);
[[nodiscard]] boost::json::object json_of(const Explanation& explanation);

}  // namespace fip::cli
