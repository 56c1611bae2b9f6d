#include "guest_restarts.hpp"

#include "ports/guest_source.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace fip::plugin {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};
constexpr std::chrono::hours between_restarts{1};
constexpr std::size_t most_remembered = 4096;
constexpr std::string_view shutdown_word = "shutdown ";
constexpr std::string_view destroy_word = "destroy ";

/// Nothing of its system runs that would have to be shut down.
bool is_in_firmware(const Guest& guest) {
    return std::ranges::any_of(guest.live_nics, [&](Nic nic) {
        nic.can_unplug = true;
        return remedy_for(guest, nic, OnWrongMac::restart) == Remedy::swap;
    });
}

bool has_started(const LiveGuest& guest) {
    try {
        return guest.state() != LiveGuest::State::starting;
    } catch (const LibvirtRefused&) {
        return false;  // it has ended at this moment, which is an event of its own
    }
}

}  // namespace

std::string GuestRestarts::text_of(const Restart& restart) {
    return std::string{restart.way == Way::shutdown ? shutdown_word : destroy_word} + std::to_string(restart.run);
}

bool GuestRestarts::read(const std::string& text, Restart& restart) {
    const bool is_shutdown = text.starts_with(shutdown_word);
    if (!is_shutdown && !text.starts_with(destroy_word)) return false;
    restart.way = is_shutdown ? Way::shutdown : Way::destroy;
    const auto digits = std::string_view{text}.substr(is_shutdown ? shutdown_word.size() : destroy_word.size());
    const auto* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, restart.run);
    return error == std::errc{} && stop == end;
}

void GuestRestarts::begin(const Guest& guest, const std::vector<WrongNic>& wrong) {
    const auto is_ours = [](const WrongNic& one) { return one.remedy == Remedy::restart; };
    if (!guest.is_persistent || std::ranges::none_of(wrong, is_ours)) return;
    const auto live = LiveGuest::find(connections_, guest.id.value);
    if (!live || live->number() == -1 || !has_started(*live)) return;
    const auto before = restarts_.find(guest.id.value);
    if (before != restarts_.end() && before->second.run == live->number()) return;
    // What wears a wrong MAC again after that is put right by a person: it must not go down and up for ever.
    const auto last = begun_.find(guest.id.value);
    if (last != begun_.end() && Steady::now() - last->second < between_restarts) {
        Restart again{guest.id, guest.name};
        return tell(again, Happening::Level::warning, "guest-restart-failed",
                    "it was restarted a short while ago and its MAC is wrong again: stop it and start it by hand");
    }
    if (begun_.size() >= most_remembered) begun_.clear();
    begun_[guest.id.value] = Steady::now();
    Restart restart{guest.id, guest.name, is_in_firmware(guest) ? Way::destroy : Way::shutdown, live->number()};
    const auto context = context_();
    context.store.write([&](Rows& rows) {
        rows.guests.erase(NoteKind::restarting, guest.id, std::nullopt);  // of another run
        rows.guests.put({NoteKind::restarting, guest.id, "", guest.name, "", text_of(restart), context.clock.now()});
    });
    auto& kept = restarts_.insert_or_assign(guest.id.value, restart).first->second;
    tell(kept, Happening::Level::warning, "guest-restarting",
         "its NIC cannot be put right while it runs: it is stopped and started again");
    stop(kept, *live);
}

void GuestRestarts::stop(Restart& restart, const LiveGuest& guest) {
    restart.due = Steady::now() + patience;
    try {
        if (restart.way == Way::shutdown) return guest.shutdown();
        guest.destroy();
        start(restart, guest);
    } catch (const LibvirtRefused& refused) {
        // It may have stopped by itself at this moment: that is an event of its own.
        tell(restart, Happening::Level::warning, "guest-restart-failed", refused.what());
    }
}

void GuestRestarts::start(const Restart& restart, const LiveGuest& guest) {
    try {
        guest.start();
        tell(restart, Happening::Level::info, "guest-restarted", "started again");
    } catch (const LibvirtRefused& refused) {
        tell(restart, Happening::Level::error, "guest-restart-failed",
             std::string{refused.what()} + ": start it when that is mended");
    }
    end(restart.guest);
}

void GuestRestarts::stopped(const std::string& uuid) {
    const auto found = restarts_.find(uuid);
    if (found == restarts_.end()) return;
    const auto restart = found->second;
    std::optional<LiveGuest> live;
    try {
        live = LiveGuest::find(connections_, uuid);
    } catch (const GuestsUnavailable&) {
        restarts_.erase(found);  // the note stays: recover() comes to it
        return;
    }
    if (live && live->number() == restart.run) return;  // undefined while it runs
    try {
        // Destroyed, crashed or gone: somebody else has decided, and may have plans of their own.
        if (live && live->number() == -1 && live->was_shut_down()) return start(restart, *live);
    } catch (const LibvirtRefused&) {
        // Gone meanwhile.
    }
    end(restart.guest);
}

void GuestRestarts::end(const GuestId& guest) {
    context_().store.write([&](Rows& rows) { rows.guests.erase(NoteKind::restarting, guest, std::nullopt); });
    restarts_.erase(guest.value);
}

void GuestRestarts::recover() {
    std::vector<Restart> found;
    std::vector<GuestId> unreadable;
    context_().store.read([&](const Rows& rows) {
        for (const auto& note : rows.guests.notes(NoteKind::restarting)) {
            if (note.guest.kind != GuestKind::libvirt || restarts_.contains(note.guest.value)) continue;
            Restart restart{note.guest, note.name};
            if (read(note.text, restart)) {
                found.push_back(std::move(restart));
            } else {
                unreadable.push_back(note.guest);
            }
        }
    });
    for (const auto& guest : unreadable) end(guest);
    for (auto& restart : found) {
        try {
            recover_one(std::move(restart));
        } catch (const GuestsUnavailable&) {
            // Its driver is not connected: recover() comes again when it is.
        }
    }
}

void GuestRestarts::recover_one(Restart restart) {
    const auto live = LiveGuest::find(connections_, restart.guest.value);
    if (!live) return end(restart.guest);
    auto& kept = restarts_.insert_or_assign(restart.guest.value, std::move(restart)).first->second;
    if (live->number() == kept.run) {
        // What was right for a guest in its firmware would cut off one that has booted since.
        kept.way = Way::shutdown;
        return stop(kept, *live);
    }
    if (live->number() != -1) return end(kept.guest);  // it runs again
    if (kept.way == Way::destroy) return start(kept, *live);
    stopped(kept.guest.value);
}

GuestRestarts::TimePoint GuestRestarts::next_time() const {
    auto next = TimePoint::max();
    for (const auto& [uuid, restart] : restarts_) next = std::min(next, restart.due);
    return next;
}

void GuestRestarts::tick() {
    for (auto& [uuid, restart] : restarts_) {
        if (restart.due > Steady::now()) continue;
        restart.due = TimePoint::max();
        tell(restart, Happening::Level::warning, "guest-restart-slow",
             "it was asked to shut down a minute ago and still runs: shut it down, it is started again by itself");
    }
}

void GuestRestarts::tell(const Restart& restart, Happening::Level level, const std::string& id,
                         const std::string& text) {
    log_.write({{level, id, restart.guest, restart.name, {}, text}});
}

}  // namespace fip::plugin
