#pragma once

#include "app/context.hpp"
#include "core/guest_plan.hpp"
#include "ports/guest_source.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip {

/// What a look led to.
struct Looked {
    std::vector<Happening> happenings;
    std::vector<WrongNic> wrong;        ///< NICs of the one guest looked at that only its hypervisor can put right.
    bool is_provider_work_due = false;  ///< Leases changed so that settle() may have something to do.
};

/// Whether effects are carried out, or only planned.
enum class Effects { apply, plan_only };

/// Look at one guest now: claim what its NICs lack, write MACs and records, end what it no longer has. Repeatable.
/// Reservations for its name become its leases; hand-made set-ups are adopted.
/// @throws GuestsUnavailable, StoreBusy, StoreError
[[nodiscard]] Looked look_at(const Context& context, GuestSource& source, const Guest& guest);

/// Positive evidence that the guest is gone: its leases are released, or dropped where the address is elsewhere.
/// Of an unknown guest: no effect.
[[nodiscard]] Looked guest_ended(const Context& context, const GuestId& guest);

/// The guest migrated away: its leases become `away`, nothing is released.
/// @param took  the MACs that it took along, where they are known: what it never wore is released
[[nodiscard]] Looked guest_left(const Context& context, const GuestId& guest,
                                const std::optional<std::set<Mac>>& took = {});

/// One guest as planned, for `--once --json` and `guest explain`.
struct GuestView {
    Guest guest;
    GuestPlan plan;
    bool is_held_back = false;
    std::set<std::string> waiting{};  ///< Slots that had no free address when they were looked at last.
};

/// What a person allows a full comparison to do.
struct Permission {
    bool apply_held_back = false;   ///< `reconcile`: also change guests that were there at the first run.
    bool confirm_releases = false;  ///< `reconcile --confirm`: release although the brake would hold.
};

struct LookedAtAll : Looked {
    std::vector<GuestView> guests;  ///< Only filled when `views` was asked for.
    Listing listing;
    std::vector<GuestId> to_mend;  ///< Their running NICs are wrong, and something can be done about it: look at them.
    std::vector<GuestId> would_end;  ///< Ripe sightings that the brake holds.
};

/// On an empty store: remember which guests were there before us, so that they are only adopted (rule 7). Later: no
/// effect.
void note_first_run(const Context& context, GuestSource& source);

/// Compare everything: every guest as look_at(), sightings of absent ones (rule 5), first run and adoption (rule 7).
/// With plan_only nothing is written, neither to the store nor to guests.
[[nodiscard]] LookedAtAll look_at_all(const Context& context, GuestSource& source, Effects effects,
                                      Permission permission);

/// Guests that wait for an address, longest first: look_at() each when one may have become free.
[[nodiscard]] std::vector<GuestId> waiting_guests(const Context& context);

}  // namespace fip
