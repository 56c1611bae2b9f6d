#pragma once

#include "app/context.hpp"
#include "core/guest_plan.hpp"
#include "daemon/event_log.hpp"
#include "live_guest.hpp"
#include "starts.hpp"
#include "swap_note.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace fip::plugin {

/// Puts the NICs of running guests right, several guests at a time and without waiting: each call does what can be done
/// now, and what comes next is told by removed(), ended() or the clock. The guests' worker's thread only.
///
/// The intent is in the store before the first libvirt call and leaves it after the last: recover() finishes what
/// another process began. A guest that we paused runs again in the end, whatever goes wrong. StoreError passes through.
class NicSwaps {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    NicSwaps(std::vector<std::unique_ptr<Connection>>& connections, std::function<Context()> context, Starts& starts,
             daemon::EventLog& log)
        : connections_{connections}, context_{std::move(context)}, starts_{starts}, log_{log} {}

    /// Begin with the NICs whose remedy is swap or replug; all of a guest at once. Of a guest that is under way, or
    /// that did not let go of its NIC before in this run: no effect.
    void begin(const Guest& guest, const std::vector<WrongNic>& wrong);
    /// While it is, nobody may look at the guest: the next look is done at the end.
    [[nodiscard]] bool is_under_way(const std::string& uuid) const { return swaps_.contains(uuid); }

    void removed(const std::string& uuid, const std::string& alias);  ///< A device has gone.
    /// The guest's system has let go of a NIC at last, and its event is still on the way: it is replaced, and what was
    /// read of the guest is out of date.
    [[nodiscard]] bool has_plugged_in_late(const Guest& guest);
    void ended(const std::string& uuid);  ///< The guest does not run any more.
    /// Finish what the store says was begun; for the guests of connections that are open.
    void recover();
    void forget_guests_of(const Connection& connection);  ///< It is gone: recover() goes on when it is back.

    /// The daemon ends: guests that we paused run on, and the next daemon finishes what the store says.
    void let_go() noexcept;

    [[nodiscard]] TimePoint next_time() const;
    void tick();  ///< Whatever is due.
    /// Guests whose swap has ended since the last call.
    [[nodiscard]] std::vector<std::string> take_ended();

private:
    enum class Stage { settling, unplugging, resuming };
    enum class Where { plugged, gone, replaced };
    struct SwappedNic {
        std::string slot;
        SwapNote note;
        Where where = Where::plugged;
        std::string owner{};  ///< owner_of() the MAC that it wears.
    };
    struct Swap {
        GuestId guest;
        std::string name;
        SwapWay way = SwapWay::reset;
        bool is_our_pause = false;
        Guest seen;  ///< As it was when this began.
        const Connection* connection = nullptr;
        std::vector<SwappedNic> nics;
        Stage stage = Stage::settling;
        int resets = 0;
        TimePoint began{};
        TimePoint due{};
        std::string refused;  ///< What libvirt said just now: it is given up at `due`, should the guest still run then.
        // Of one that was given up:
        bool may_begin_again = false;
        TimePoint late_until{};  ///< A NIC that goes before then goes because we asked for it.
        TimePoint try_at{};      ///< What it has lost is not plugged in again before.
    };

    /// Everything that is needed, before anything is done; without NICs: nothing is to be done.
    [[nodiscard]] Swap prepared(const Guest& guest, const std::vector<WrongNic>& wrong, const LiveGuest& live) const;
    void put_notes(const Swap& swap);
    void erase_notes(const GuestId& guest);
    [[nodiscard]] bool is_still_early(const Swap& swap) const;
    [[nodiscard]] bool has_stayed_paused(const Swap& swap, const LiveGuest& guest) const;
    void recover_one(Swap swap);
    /// One step of a swap that is under way. A guest that has ended ends the swap; a refusal gives it up
    /// a moment later.
    void guarded(const std::string& uuid, const std::function<void(Swap&, const LiveGuest&)>& step);
    void settle(Swap& swap, const LiveGuest& guest);  ///< Until it is paused where a reset does no harm.
    void unplug(Swap& swap, const LiveGuest& guest);
    void wait_for_removal(Swap& swap, const LiveGuest& guest);
    static void see(Swap& swap, const LiveGuest& guest);  ///< Which NICs are where.
    void go_on(Swap& swap, const LiveGuest& guest);
    static void plug_in(Swap& swap, const LiveGuest& guest);
    void resume(Swap& swap, const LiveGuest& guest);
    void give_up(Swap& swap, const LiveGuest& guest, const std::string& why);
    void put_back(Swap& swap, const LiveGuest& guest);
    void remember_given_up(const Swap& swap);
    void tell_failure(const Swap& swap, const std::string& why);
    [[nodiscard]] bool are_leased(const Swap& swap) const;  ///< What it is to wear.
    /// Whether it is under way now.
    bool plug_in_late(const std::string& uuid, const std::string& alias);
    void end(Swap& swap);
    void tell(const Swap& swap, Happening::Level level, const std::string& id, const std::string& text);

    std::vector<std::unique_ptr<Connection>>& connections_;
    std::function<Context()> context_;
    Starts& starts_;
    daemon::EventLog& log_;
    std::map<std::string, Swap> swaps_;     // by uuid
    std::map<std::string, Swap> given_up_;  // by uuid; of that run only
    std::set<std::string> ended_;
};

}  // namespace fip::plugin
