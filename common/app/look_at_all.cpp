#include "app/guest_facts.hpp"
#include "app/look.hpp"
#include "core/errors.hpp"
#include "core/sighting.hpp"

#include <algorithm>
#include <set>

namespace fip {
namespace {

constexpr std::string_view first_run_key = "first-run-noted";
constexpr std::string_view told_key = "held-back-told";
constexpr std::string_view brake_key = "brake";

/// What is remembered of each hypervisor by itself; libvirt was there first.
std::string key_for(std::string_view key, GuestKind kind) {
    return std::string{key} + (kind == GuestKind::libvirt ? "" : "-" + std::string{name_of(kind)});
}

GuestView view_of(const Context& context, GuestSource& source, const Guest& guest) {
    const auto wearers = count_wearers(context, source, guest);
    GuestView view{guest, {}, false};
    context.store.read([&](const Rows& rows) {
        view.plan = plan_guest(gather(context, rows, guest, wearers));
        view.is_held_back = is_held_back(rows, guest.id);
        for (const auto& note : rows.guests.notes_of(guest.id)) {
            if (note.kind == NoteKind::waiting && !note.pool.empty()) view.waiting.insert(note.slot);
        }
    });
    return view;
}

void append(Looked& all, Looked one) {
    all.happenings.insert(all.happenings.end(), std::make_move_iterator(one.happenings.begin()),
                          std::make_move_iterator(one.happenings.end()));
    all.is_provider_work_due = all.is_provider_work_due || one.is_provider_work_due;
}

AbsencePlan absence(const Context& context, const Rows& rows, const LookedAtAll& all, const std::set<GuestId>& present,
                    const Permission& permission) {
    AbsenceFacts facts;
    for (auto& lease : rows.leases.all("")) {
        if (lease.guest && is_held(lease.state)) facts.leases.push_back(std::move(lease));
    }
    facts.present = present;
    facts.origins = {all.listing.origins.begin(), all.listing.origins.end()};
    for (const auto& note : rows.guests.notes(NoteKind::absent)) {
        facts.sightings.push_back({note.guest, note.at.boot, note.at.boot_id});
    }
    facts.now = context.clock.now();
    facts.grace = context.settings.grace;
    facts.is_confirmed = permission.confirm_releases;
    return plan_absence(facts);
}

/// The brake is told when it comes on, not at every comparison.
void tell_brake(Rows& rows, LookedAtAll& all, const AbsencePlan& plan, GuestKind kind) {
    const auto key = key_for(brake_key, kind);
    std::string held;
    for (const auto& guest : plan.held) held += guest.value + "\n";
    if (held == rows.guests.value(key)) return;
    rows.guests.set_value(key, held);
    if (plan.held.empty()) return;
    all.happenings.push_back({Happening::Level::error,
                              "release-held",
                              {},
                              "",
                              {},
                              std::to_string(plan.held.size()) +
                                  " guests with leases are gone, more than half of all: nothing is released before "
                                  "failover-ip reconcile --confirm"});
}

/// A guest that went while nobody listened waits no longer; it holds nothing, so one complete listing is enough.
void forget_waiting(Rows& rows, const LookedAtAll& all, const std::set<GuestId>& present, GuestKind kind) {
    if (!all.listing.gaps.empty() || all.listing.origins.empty()) return;
    for (const auto& note : rows.guests.notes(NoteKind::waiting)) {
        if (note.guest.kind == kind && !present.contains(note.guest)) {
            rows.guests.erase(NoteKind::waiting, note.guest, std::nullopt);
        }
    }
}

void look_for_absent(const Context& context, LookedAtAll& all, const std::set<GuestId>& present, GuestKind kind,
                     Effects effects, const Permission& permission) {
    AbsencePlan plan;
    if (effects == Effects::plan_only) {
        context.store.read([&](const Rows& rows) { plan = absence(context, rows, all, present, permission); });
    } else {
        context.store.write([&](Rows& rows) {
            plan = absence(context, rows, all, present, permission);
            for (const auto& guest : plan.forget) rows.guests.erase(NoteKind::absent, guest, std::nullopt);
            for (const auto& guest : plan.see) {
                rows.guests.erase(NoteKind::absent, guest, std::nullopt);  // one of another boot does not count
                rows.guests.put({NoteKind::absent, guest, "", "", "", "", context.clock.now()});
            }
            tell_brake(rows, all, plan, kind);
            forget_waiting(rows, all, present, kind);
        });
        for (const auto& guest : plan.end) append(all, guest_ended(context, guest));
    }
    all.would_end = plan.held;
    if (effects == Effects::apply) return;
    for (const auto& guest : plan.end) {
        all.happenings.push_back({Happening::Level::info, "lease-ended", guest, "", {}, "gone; would be released"});
    }
}

void tell_held_back(LookedAtAll& all, const GuestView& view) {
    for (auto& step : describe(view)) {
        step.level = Happening::Level::warning;
        step.text += "; it was here before failover-ip: failover-ip reconcile";
        all.happenings.push_back(std::move(step));
    }
}

bool is_unset(const Context& context, std::string_view key) {
    bool is_unset = false;
    context.store.read([&](const Rows& rows) { is_unset = rows.guests.value(key).empty(); });
    return is_unset;
}

/// One guest whose definition cannot be written, or whose hypervisor hangs, must not keep the others from being looked
/// at.
void look_at_one(const Context& context, GuestSource& source, const Guest& guest, LookedAtAll& all) {
    try {
        auto looked = look_at(context, source, guest);
        const bool is_mendable = std::any_of(looked.wrong.begin(), looked.wrong.end(),
                                             [](const WrongNic& nic) { return nic.remedy != Remedy::hold; });
        if (is_mendable) all.to_mend.push_back(guest.id);
        append(all, std::move(looked));
    } catch (const InputError& error) {
        all.happenings.push_back({Happening::Level::error, "guest-refused", guest.id, guest.name, {}, error.what()});
    } catch (const GuestsUnavailable& away) {
        all.happenings.push_back(
            {Happening::Level::warning, "guest-unavailable", guest.id, guest.name, {}, away.what()});
    }
}

}  // namespace

void note_first_run(const Context& context, GuestSource& source) {
    const auto key = key_for(first_run_key, source.kind());
    if (!is_unset(context, key)) return;
    std::vector<GuestNote> notes;
    const auto listing = source.list([&](const Guest& guest) {
        notes.push_back({NoteKind::held_back, guest.id, "", guest.name, "", "", context.clock.now()});
    });
    if (!listing.gaps.empty())
        throw GuestsUnavailable{
            "no guest is served before all are listed once (those that were here first are left alone): " +
            listing.gaps.front()};
    context.store.write([&](Rows& rows) {
        for (const auto& note : notes) rows.guests.put(note);
        rows.guests.set_value(key, "yes");
    });
}

LookedAtAll look_at_all(const Context& context, GuestSource& source, Effects effects, Permission permission) {
    LookedAtAll all;
    const auto told = key_for(told_key, source.kind());
    const bool is_first = is_unset(context, told);
    if (effects == Effects::apply) {
        note_first_run(context, source);
        if (permission.apply_held_back) {
            context.store.write([&](Rows& rows) {
                for (const auto& note : rows.guests.notes(NoteKind::held_back)) {
                    if (note.guest.kind != source.kind()) continue;
                    rows.guests.erase(NoteKind::held_back, note.guest, std::nullopt);
                }
            });
        }
    }
    std::set<GuestId> present;
    all.listing = source.list([&](const Guest& guest) {
        present.insert(guest.id);
        if (effects == Effects::apply) look_at_one(context, source, guest, all);
        if (effects == Effects::apply && !is_first) return;
        auto view = view_of(context, source, guest);
        if (view.is_held_back && effects == Effects::apply) tell_held_back(all, view);
        if (effects == Effects::apply) return;
        for (auto& step : describe(view)) all.happenings.push_back(std::move(step));
        all.guests.push_back(std::move(view));
    });
    present.insert(all.listing.elsewhere.begin(), all.listing.elsewhere.end());
    if (effects == Effects::apply && is_first) {
        context.store.write([&](Rows& rows) { rows.guests.set_value(told, "yes"); });
    }
    look_for_absent(context, all, present, source.kind(), effects, permission);
    return all;
}

}  // namespace fip
