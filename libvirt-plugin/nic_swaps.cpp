#include "nic_swaps.hpp"

#include "core/errors.hpp"
#include "domxml/interface_element.hpp"
#include "domxml/read_domain.hpp"
#include "ports/guest_source.hpp"
#include "qemu_process.hpp"
#include "worn_mac.hpp"

#include <algorithm>
#include <utility>

namespace fip::plugin {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds firmware_pause{15};
constexpr milliseconds reset_pause{500};
constexpr int most_resets = 3;
constexpr milliseconds refusal_pause{250};  // until libvirt has noticed that the guest has ended
constexpr std::chrono::minutes late{2};
constexpr std::chrono::seconds late_pause{20};  // so: at a comparison, and not at the look after the last try
constexpr std::chrono::seconds patience{15};    // for a guest's system that is asked to let go of a NIC

std::optional<std::chrono::microseconds> ran(const std::string& name, const std::string& uuid) {
    const auto process = find_qemu_process(name, uuid, {});
    return process ? process->ran : std::nullopt;
}

bool is_for_us(const WrongNic& wrong) {
    return wrong.remedy == Remedy::swap || wrong.remedy == Remedy::replug;
}

}  // namespace

void NicSwaps::begin(const Guest& guest, const std::vector<WrongNic>& wrong) {
    const auto& uuid = guest.id.value;
    if (is_under_way(uuid) || std::ranges::none_of(wrong, is_for_us)) return;
    const auto live = LiveGuest::find(connections_, uuid);
    if (!live) return;
    const auto before = given_up_.find(uuid);
    const bool is_known = before != given_up_.end() && before->second.nics.front().note.run == live->number();
    if (is_known && !before->second.may_begin_again) return;
    try {
        auto swap = prepared(guest, wrong, *live);
        if (swap.nics.empty()) return;
        put_notes(swap);
        swaps_.insert_or_assign(uuid, std::move(swap));
    } catch (const LibvirtRefused&) {
        return;  // it has ended at this moment, which is an event of its own
    }
    guarded(uuid, [&](Swap& swap, const LiveGuest& domain) { settle(swap, domain); });
}

void NicSwaps::settle(Swap& swap, const LiveGuest& guest) {
    if (swap.way == SwapWay::ask) return unplug(swap, guest);
    if (guest.state() != LiveGuest::State::paused) {
        if (!swap.is_our_pause) {  // whoever paused it has let it go on
            swap.is_our_pause = true;
            put_notes(swap);
        }
        guest.suspend();
    }
    if (!is_still_early(swap)) return resume(swap, guest);
    if (guest.can_begin_anew()) return unplug(swap, guest);
    if (swap.is_our_pause) guest.resume();
    swap.due = Steady::now() + firmware_pause;
}

void NicSwaps::unplug(Swap& swap, const LiveGuest& guest) {
    swap.stage = Stage::unplugging;
    for (const auto& nic : swap.nics) guest.detach(nic.note.alias);
    wait_for_removal(swap, guest);
}

NicSwaps::Swap NicSwaps::prepared(const Guest& guest, const std::vector<WrongNic>& wrong, const LiveGuest& live) const {
    Swap swap;
    swap.guest = guest.id;
    swap.name = guest.name;
    swap.seen = guest;
    swap.connection = &live.connection();
    const auto state = live.state();
    if (state == LiveGuest::State::stopped || state == LiveGuest::State::starting) return swap;
    const bool is_reset = std::ranges::any_of(wrong, [](const WrongNic& one) { return one.remedy == Remedy::swap; });
    swap.way = is_reset ? SwapWay::reset : SwapWay::ask;
    swap.is_our_pause = is_reset && state != LiveGuest::State::paused;
    swap.began = Steady::now();
    const auto xml = live.xml();
    const auto has_run = ran(guest.name, guest.id.value);
    for (const auto& one : wrong) {
        const auto nic = std::ranges::find(guest.live_nics, one.nic, &Nic::index);
        if (!is_for_us(one) || nic == guest.live_nics.end() || !nic->mac || nic->alias.empty()) continue;
        SwapNote note{swap.way, live.number(), swap.is_our_pause, has_run, nic->alias, *nic->mac, one.mac, {}, {}};
        note.worn_element = domxml::interface_with_mac(xml, *nic, *nic->mac);
        note.wanted_element = domxml::interface_with_mac(xml, *nic, one.mac);
        swap.nics.push_back({one.slot, std::move(note), Where::plugged});
    }
    context_().store.read([&](const Rows& rows) {
        for (auto& nic : swap.nics) nic.owner = owner_of(rows, swap.guest, nic.note.worn);
    });
    return swap;
}

// The look that led here may have waited for the store. Asked while it is paused, so that the answer stays true.
bool NicSwaps::is_still_early(const Swap& swap) const {
    const auto process = find_qemu_process(swap.name, swap.guest.value, {});
    if (!process || !swap.seen.run) return false;
    auto now = swap.seen;
    now.run->age = process->age;
    starts_.sharpen(swap.guest.value, *now.run, Steady::now());
    return std::ranges::any_of(now.live_nics, [&](const Nic& nic) {
        return remedy_for(now, nic, context_().settings.on_wrong_mac) == Remedy::swap;
    });
}

void NicSwaps::wait_for_removal(Swap& swap, const LiveGuest& guest) {
    swap.due = Steady::now() + (swap.way == SwapWay::reset ? milliseconds{reset_pause} : milliseconds{patience});
    if (swap.way != SwapWay::reset) return;
    ++swap.resets;
    guest.reset();
}

void NicSwaps::guarded(const std::string& uuid, const std::function<void(Swap&, const LiveGuest&)>& step) {
    const auto found = swaps_.find(uuid);
    if (found == swaps_.end()) return;
    auto& swap = found->second;
    const auto live = LiveGuest::find(*swap.connection, uuid);
    if (!live || live->number() != swap.nics.front().note.run) return end(swap);
    try {
        step(swap, *live);
    } catch (const LibvirtRefused& refused) {
        swap.refused = refused.what();
        swap.due = Steady::now() + refusal_pause;
    } catch (const InputError& wrong) {
        give_up(swap, *live, wrong.what());
    }
}

void NicSwaps::removed(const std::string& uuid, const std::string& alias) {
    if (!is_under_way(uuid)) return static_cast<void>(plug_in_late(uuid, alias));
    guarded(uuid, [&](Swap& swap, const LiveGuest& guest) { go_on(swap, guest); });
}

void NicSwaps::see(Swap& swap, const LiveGuest& guest) {
    const auto nics = domxml::read_domain(guest.xml()).guest.nics;
    for (auto& nic : swap.nics) {
        const auto is_old = [&](const Nic& other) {
            return other.alias == nic.note.alias && other.mac == nic.note.worn;
        };
        const auto is_new = [&](const Nic& other) { return other.mac == nic.note.wanted; };
        nic.where = std::ranges::any_of(nics, is_new)   ? Where::replaced
                    : std::ranges::any_of(nics, is_old) ? Where::plugged
                                                        : Where::gone;
    }
}

void NicSwaps::go_on(Swap& swap, const LiveGuest& guest) {
    if (swap.stage == Stage::settling || !swap.refused.empty()) return;
    if (swap.stage == Stage::resuming) return resume(swap, guest);
    see(swap, guest);
    if (std::ranges::find(swap.nics, Where::plugged, &SwappedNic::where) != swap.nics.end()) return;
    plug_in(swap, guest);
    // What a guest boots from is read at its reset: once more, with the new NIC. It has not executed anything since
    // the last one.
    if (swap.way == SwapWay::reset && guest.state() == LiveGuest::State::paused) guest.reset();
    resume(swap, guest);
}

void NicSwaps::plug_in(Swap& swap, const LiveGuest& guest) {
    for (auto& nic : swap.nics) {
        if (nic.where != Where::gone) continue;
        guest.attach(nic.note.wanted_element);
        nic.where = Where::replaced;
    }
}

void NicSwaps::resume(Swap& swap, const LiveGuest& guest) {
    swap.stage = Stage::resuming;
    swap.due = Steady::now() + reset_pause;
    if (swap.is_our_pause) {
        try {
            if (guest.state() == LiveGuest::State::paused) guest.resume();
        } catch (const LibvirtRefused& refused) {
            tell(swap, Happening::Level::error, "nic-swap-stuck", std::string{refused.what()} + "; trying again");
            return;  // tick() does, unless the guest has ended
        }
    }
    if (swap.way == SwapWay::reset && swap.resets > 0) starts_.reset(swap.guest.value, Steady::now());
    const auto is_replaced = [](const SwappedNic& nic) { return nic.where == Where::replaced; };
    if (std::ranges::all_of(swap.nics, is_replaced)) given_up_.erase(swap.guest.value);
    for (const auto& nic : swap.nics) {
        if (!is_replaced(nic)) continue;
        auto text = "its NIC wears " + nic.note.wanted.text() + " instead of " + nic.note.worn.text();
        if (swap.way == SwapWay::reset && swap.seen.run) {
            const auto took = std::chrono::duration_cast<milliseconds>(Steady::now() - swap.began);
            text += ", " + std::to_string((swap.seen.run->age + took).count()) + " ms after its start";
        }
        tell(swap, Happening::Level::info, "nic-swapped", text);
    }
    end(swap);
}

void NicSwaps::give_up(Swap& swap, const LiveGuest& guest, const std::string& why) {
    put_back(swap, guest);
    tell_failure(swap, why);
    remember_given_up(swap);
    resume(swap, guest);
}

void NicSwaps::tell_failure(const Swap& swap, const std::string& why) {
    const auto find = [&](Where where) { return std::ranges::find(swap.nics, where, &SwappedNic::where); };
    if (find(Where::gone) != swap.nics.end()) {
        return tell(swap, Happening::Level::error, "nic-swap-failed",
                    why + "; it runs without its NIC: stop it and start it again");
    }
    const auto kept = find(Where::plugged);
    if (kept == swap.nics.end()) return;
    tell(swap, Happening::Level::warning, "nic-swap-failed", why + "; " + advice_on(kept->note.worn, kept->owner));
}

// A late try that fails gets no more time.
void NicSwaps::remember_given_up(const Swap& swap) {
    auto& kept = given_up_.insert_or_assign(swap.guest.value, swap).first->second;
    if (kept.late_until == TimePoint{}) kept.late_until = Steady::now() + late;
    kept.try_at = Steady::now() + late_pause;
}

void NicSwaps::put_back(Swap& swap, const LiveGuest& guest) {
    try {
        see(swap, guest);
    } catch (const LibvirtRefused&) {
        return;  // what cannot be seen is left as it is
    } catch (const InputError&) {
        return;
    }
    for (auto& nic : swap.nics) {
        if (nic.where != Where::gone) continue;
        for (const auto* element : {&nic.note.wanted_element, &nic.note.worn_element}) {
            try {
                guest.attach(*element);
                nic.where = element == &nic.note.wanted_element ? Where::replaced : Where::plugged;
                break;
            } catch (const LibvirtRefused&) {
                // tell_failure() says that it is gone, and why.
            }
        }
    }
}

// A guest's system may let go of its NIC long after it was asked to.
bool NicSwaps::plug_in_late(const std::string& uuid, const std::string& alias) {
    const auto found = given_up_.find(uuid);
    if (found == given_up_.end() || Steady::now() > found->second.late_until) return false;
    auto swap = found->second;
    const auto nic = std::ranges::find_if(swap.nics, [&](const SwappedNic& one) { return one.note.alias == alias; });
    if (nic == swap.nics.end()) return false;
    if (nic->where == Where::gone && (Steady::now() < swap.try_at || !are_leased(swap))) return false;
    given_up_.erase(found);
    swap.stage = Stage::unplugging;
    swap.way = SwapWay::ask;
    swap.is_our_pause = false;
    swap.began = Steady::now();
    swap.due = swap.began + patience;
    put_notes(swap);
    swaps_.insert_or_assign(uuid, std::move(swap));
    guarded(uuid, [&](Swap& it, const LiveGuest& guest) { go_on(it, guest); });
    return true;
}

// The address of a NIC that a guest without a definition has lost is given back.
bool NicSwaps::are_leased(const Swap& swap) const {
    std::vector<Lease> leases;
    context_().store.read([&](const Rows& rows) { leases = rows.leases.of_guest(swap.guest); });
    return std::ranges::all_of(swap.nics, [&](const SwappedNic& nic) {
        return std::ranges::any_of(
            leases, [&](const Lease& lease) { return is_held(lease.state) && lease.mac == nic.note.wanted; });
    });
}

bool NicSwaps::has_plugged_in_late(const Guest& guest) {
    const auto found = given_up_.find(guest.id.value);
    if (found == given_up_.end() || !guest.is_running || is_under_way(guest.id.value)) return false;
    const auto is_gone = [&](const SwappedNic& lost) {
        return std::ranges::none_of(guest.live_nics, [&](const Nic& nic) {
            return nic.alias == lost.note.alias || nic.mac == lost.note.worn || nic.mac == lost.note.wanted;
        });
    };
    std::vector<std::string> gone;
    for (const auto& nic : found->second.nics) {
        if (is_gone(nic)) gone.push_back(nic.note.alias);
    }
    return std::ranges::any_of(gone, [&](const std::string& alias) { return plug_in_late(guest.id.value, alias); });
}

void NicSwaps::end(Swap& swap) {
    erase_notes(swap.guest);
    const auto uuid = swap.guest.value;
    ended_.insert(uuid);
    swaps_.erase(uuid);
}

void NicSwaps::ended(const std::string& uuid) {
    given_up_.erase(uuid);
    guarded(uuid, [](Swap&, const LiveGuest&) {});
}

void NicSwaps::forget_guests_of(const Connection& connection) {
    const auto is_of = [&](const auto& each) { return each.second.connection == &connection; };
    std::erase_if(swaps_, is_of);
    std::erase_if(given_up_, is_of);
}

void NicSwaps::let_go() noexcept {
    for (const auto& [uuid, swap] : swaps_) {
        if (!swap.is_our_pause) continue;
        try {
            const auto live = LiveGuest::find(*swap.connection, uuid);
            if (live && live->state() == LiveGuest::State::paused) live->resume();
        } catch (const std::exception&) {
            // libvirt does not answer, or the guest has ended: recover() sees which.
        }
    }
}

NicSwaps::TimePoint NicSwaps::next_time() const {
    auto next = TimePoint::max();
    for (const auto& [uuid, swap] : swaps_) next = std::min(next, swap.due);
    return next;
}

void NicSwaps::tick() {
    std::vector<std::string> due;
    for (const auto& [uuid, swap] : swaps_) {
        if (swap.due <= Steady::now()) due.push_back(uuid);
    }
    for (const auto& uuid : due) {
        swaps_.at(uuid).due = Steady::now() + reset_pause;  // also when the next lines throw
        guarded(uuid, [&](Swap& swap, const LiveGuest& guest) {
            if (!swap.refused.empty()) return give_up(swap, guest, std::exchange(swap.refused, {}));
            if (swap.stage == Stage::settling) return settle(swap, guest);
            go_on(swap, guest);
            if (!is_under_way(uuid) || swap.stage == Stage::resuming) return;
            if (swap.way == SwapWay::ask) {
                return give_up(swap, guest, "its system did not let go of its NIC");
            }
            if (guest.state() != LiveGuest::State::paused) {
                swap.way = SwapWay::ask;  // somebody resumed it: it may not be in its firmware any more
            } else if (swap.resets >= most_resets) {
                return give_up(swap, guest, "its machine did not let go of its NIC");
            }
            wait_for_removal(swap, guest);
        });
    }
}

std::vector<std::string> NicSwaps::take_ended() {
    const auto ended = std::exchange(ended_, {});
    return {ended.begin(), ended.end()};
}

void NicSwaps::put_notes(const Swap& swap) {
    const auto context = context_();
    context.store.write([&](Rows& rows) {
        for (const auto& nic : swap.nics) {
            rows.guests.put(
                {NoteKind::swapping, swap.guest, nic.slot, swap.name, "", text_of(nic.note), context.clock.now()});
        }
    });
}

void NicSwaps::erase_notes(const GuestId& guest) {
    context_().store.write([&](Rows& rows) { rows.guests.erase(NoteKind::swapping, guest, std::nullopt); });
}

void NicSwaps::tell(const Swap& swap, Happening::Level level, const std::string& id, const std::string& text) {
    log_.write({{level, id, swap.guest, swap.name, {}, text}});
}

}  // namespace fip::plugin
