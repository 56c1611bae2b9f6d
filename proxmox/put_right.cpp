#include "put_right.hpp"

#include "app/start_claim.hpp"
#include "core/errors.hpp"
#include "guarded_start.hpp"
#include "origin.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "wanted_appearance.hpp"

#include <algorithm>
#include <vector>

namespace fip::proxmox {
namespace {

struct Change {
    std::string slot;
    std::optional<Mac> wrong;
    Mac mac;
};

std::vector<Change> changes_of(const Guest& guest, const std::vector<GuestEdit::NewMac>& macs) {
    std::vector<Change> changes;
    for (const auto& right : macs) {
        const auto nic = std::ranges::find(guest.nics, right.nic, &Nic::index);
        if (nic == guest.nics.end() || nic->mac == right.mac) continue;
        changes.push_back({slot_of(*nic), nic->mac, right.mac});
    }
    return changes;
}

/// "net0 BC:24:11:00:00:01, net2 without a MAC": what must not come a second time.
std::string wrong_macs(const std::vector<Change>& changes) {
    std::string text;
    for (const auto& change : changes) {
        if (!text.empty()) text += ", ";
        text += change.slot + (change.wrong ? " " + change.wrong->text() : " without a MAC");
    }
    return text;
}

/// "net0 now has its virtual MAC 52:54:00:00:00:01"
std::string right_macs(const std::vector<Change>& changes) {
    std::string text;
    for (const auto& change : changes) {
        if (!text.empty()) text += ", ";
        text += change.slot + " now has its virtual MAC " + change.mac.text();
    }
    return text;
}

/// What cloud-init, or a container, is told of its addresses: the start that is queued would not wait for the watcher.
std::vector<ConfigChange> address_changes(const Context& context, const WrongStart& start) {
    std::vector<ConfigChange> changes;
    context.store.read([&](const Rows& rows) {
        if (const auto wanted = wanted_appearance(context, rows, start.guest)) {
            changes = changes_for(start.config, *wanted);
        }
    });
    std::erase_if(changes, [](const ConfigChange& change) {
        return !change.key.starts_with("net") && !change.key.starts_with("ipconfig");
    });
    return changes;
}

/// Empty: written. Else why not.
std::string write(const Context& context, const WrongStart& start, const std::vector<Change>& changes) {
    auto edits = address_changes(context, start);
    for (const auto& change : changes) {
        if (std::ranges::find(edits, change.slot, &ConfigChange::key) != edits.end()) continue;
        const auto line = start.config.value(change.slot);
        if (!line) return change.slot + " is not in its config";
        edits.push_back({change.slot, with_mac(start.config.type(), *line, change.mac)});
    }
    try {
        if (replace(start.file, changed_text(start.config, edits)) == Replaced::done) return "";
        return "its config was changed meanwhile: try again";
    } catch (const GuestsUnavailable& e) {
        return e.what();
    } catch (const InputError& e) {
        return e.what();
    }
}

StartReply put_right(const WrongStart& start, const std::vector<Change>& changes) {
    const auto& world = start.world.hook;
    const auto store = world.open_to_write(start.context.settings);
    const auto context = hooks::context_of(start.context.settings, start.context.traits, *store, world);
    const bool is_first = note_queued_start(context, start.guest, wrong_macs(changes));
    if (const auto problem = write(context, start, changes); !problem.empty()) {
        if (is_first) forget_queued_start(context, start.guest.id);
        return {false, hooks::refusal(start.title, wrong_macs(changes) + " is wrong, and " + problem)};
    }
    const auto done = right_macs(changes);
    if (!is_first) {
        return {false, hooks::remark(start.title, done +
                                                      " again; this start is refused, and none is queued: find out "
                                                      "what puts back " +
                                                      wrong_macs(changes) + ", then start it")};
    }
    if (!start.world.queue_start(start.config.type(), start.vmid)) {
        return {false, hooks::remark(start.title, done + "; this start is refused: start it again")};
    }
    return {false, hooks::remark(start.title, done + "; this start is refused, and another one is queued")};
}

}  // namespace

StartReply put_right(const WrongStart& start) {
    const auto& world = start.world.hook;
    // Only told: with an address in stock nobody has to answer.
    [[maybe_unused]] const bool is_told = world.ask_daemon("starting");
    auto claimant = start.guest;
    claimant.origin = origin_of(start.world.pve);
    const auto claimed = hooks::claim_in_time(start.context, claimant, world);
    if (claimed.kind != StartClaim::Kind::ready) return {false, hooks::refusal(start.title, claimed.text)};
    const auto changes = changes_of(start.guest, claimed.macs);
    return changes.empty() ? StartReply{} : put_right(start, changes);
}

}  // namespace fip::proxmox
