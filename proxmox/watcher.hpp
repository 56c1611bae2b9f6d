#pragma once

#include "app/look.hpp"
#include "daemon/event_log.hpp"
#include "daemon/guest_watcher.hpp"
#include "folder_watch.hpp"
#include "guest_table.hpp"
#include "inbox.hpp"
#include "proxmox_guests.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace fip::proxmox {

/// Follows the node's guests: looks at each whose config changed, ends what was destroyed, and compares everything once
/// per interval.
class Watcher final : public daemon::GuestWatcher {
public:
    Watcher(std::shared_ptr<const daemon::Setup> setup, std::function<void()> leases_changed);

    void run() override;
    void stop() override { inbox_.stop(); }
    void use(std::shared_ptr<const daemon::Setup> setup) override { inbox_.use(std::move(setup)); }
    [[nodiscard]] bool look(std::string_view id) override { return inbox_.look(id); }
    void look_at_waiting() override { inbox_.look_at_waiting(); }
    void compare() override { inbox_.compare(); }
    [[nodiscard]] bool announce_start(std::string_view id) override { return id.empty() || inbox_.look_at_start(id); }
    [[nodiscard]] std::chrono::milliseconds longest_stop() const override { return longest_change; }
    [[nodiscard]] std::chrono::steady_clock::time_point busy_since() const override { return busy_since_.load(); }
    [[nodiscard]] std::string status() const override { return "watching this Proxmox VE node"; }

private:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// A `qm set` may wait for a lock, for the guest to let go of a NIC, for a hanging pmxcfs (set_config.hpp); and a
    /// VM that it met in its firmware is ended and started then.
    static constexpr std::chrono::seconds longest_change{280};

    void round();
    void wait();
    void use_now(const std::shared_ptr<const daemon::Setup>& setup);
    void follow_list();
    void take(const ListChanges& changes);
    void guarded(const std::function<void()>& work);
    void look_at(int vmid);
    void look_at_held();
    void look_at_known(const Guest& guest);
    void finish(const Guest& guest, int vmid);
    void check_shown(int vmid);
    void end_former(int vmid, const std::optional<GuestId>& before);
    void gone(const GoneGuest& guest);
    void carry_out_endings();
    void look_at_others(int vmid);
    void put_off(int vmid, std::chrono::milliseconds shortest, std::chrono::milliseconds longest);
    [[nodiscard]] Context context_of_guest();
    void waiting_ones();
    void compare_now();
    void keep_announced();
    void take_note(const Looked& looked);
    [[nodiscard]] Context context() { return place_->context(); }

    Inbox inbox_;
    std::shared_ptr<const daemon::Setup> first_setup_;
    std::function<void()> leases_changed_;
    daemon::EventLog log_;
    std::unique_ptr<daemon::Workplace> place_;
    Cluster cluster_;
    ProxmoxGuests guests_;
    std::optional<GuestTable> table_;
    std::optional<ClusterStamp> stamp_;
    std::unique_ptr<FolderWatch> folders_;
    struct Ending {
        GuestId guest;
        bool has_left = false;  ///< For another cluster.
    };
    std::vector<Ending> endings_;                      ///< Proved, and not in the store yet.
    std::shared_ptr<const daemon::Setup> next_setup_;  ///< To be used as soon as the store lets us.
    std::map<int, TimePoint> again_;                   ///< Guests that could not be finished.
    std::map<int, TimePoint>
        trouble_;  ///< Guests whose lock somebody holds, or that Proxmox cannot change: since when.
    bool is_away_ = false;
    bool was_announced_ = false;         ///< The snippet, when it was last looked at.
    bool is_announcement_lost_ = false;  ///< With a former pmxcfs, maybe.
    TimePoint list_at_{};
    TimePoint compare_at_{};
    TimePoint not_before_;  ///< Of the first comparison: the providers' first read comes first.
    std::atomic<TimePoint> busy_since_{TimePoint{}};
};

}  // namespace fip::proxmox
