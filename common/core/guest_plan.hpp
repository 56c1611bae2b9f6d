#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/live_nics.hpp"
#include "core/provider_facts.hpp"
#include "core/settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip {

/// What is known about a MAC that a NIC wears and none of the guest's leases explains.
struct WornMac {
    std::string provider;
    std::vector<ProviderAddress> addresses;  ///< That share it, in order; none is leased.
    int wearers = 1;                         ///< NICs of all guests that wear it.
};

struct GuestFacts {
    const Guest& guest;
    const Settings& settings;
    const std::map<std::string, ProviderTraits>& traits;
    std::vector<Lease> leases;                    ///< The guest's held ones, and reservations for its name.
    std::map<Address, ProviderAddress> provider;  ///< Last read of those addresses.
    std::map<Mac, WornMac> worn;
    Now now;
};

/// One more address that a NIC needs.
struct Want {
    std::string slot;
    int ordinal = 0;
    std::string pool;
    std::string bridge;
    std::optional<Mac> worn;  ///< What the NIC wears now; ordinal 0 only.
};

/// A managed NIC: what it has and what it should have.
struct NicView {
    std::size_t nic = 0;        ///< Nic::index; of live_nics where `is_live_only`.
    bool is_live_only = false;  ///< The running guest has it, its stored definition has not.
    std::string slot;
    std::string pool;           ///< Empty: see `problem`.
    std::vector<Lease> leases;  ///< Ordinal 0 first; empty: none yet.
    std::optional<Mac> mac;     ///< The MAC it must wear, once confirmed.
    std::string problem;        ///< What keeps it from being served; empty: nothing.
};

/// A running guest's NIC that does not wear its MAC.
struct WrongNic {
    std::size_t nic = 0;  ///< Nic::index in live_nics.
    std::string slot;
    Mac mac;  ///< What it must wear.
    Remedy remedy = Remedy::hold;
    friend bool operator==(const WrongNic&, const WrongNic&) = default;
};

/// What should be done about one guest. Doing all of it and planning again gives an empty plan.
struct GuestPlan {
    std::vector<Lease> put;            ///< Rows to write: taken over, adopted, renamed, renumbered, back again.
    std::vector<Lease> end;            ///< Leases whose NIC is gone.
    std::vector<Want> wants;           ///< Addresses to claim.
    std::optional<GuestEdit> edit;     ///< What to write into the definition for the leases as they are now.
    std::vector<NicView> nics;         ///< Every managed NIC.
    std::vector<WrongNic> wrong;       ///< Of the running guest, for the leases as they are now.
    std::vector<std::string> remarks;  ///< For people: what cannot be put right from here.
    [[nodiscard]] bool is_empty() const { return put.empty() && end.empty() && wants.empty() && !edit; }
};

[[nodiscard]] GuestPlan plan_guest(const GuestFacts& facts);

/// Whether a MAC that no lease explains may be looked up for adoption: `worn` is only needed for these.
[[nodiscard]] std::vector<Mac> unexplained_macs(const Guest& guest, const Settings& settings,
                                                const std::vector<Lease>& leases);

}  // namespace fip
