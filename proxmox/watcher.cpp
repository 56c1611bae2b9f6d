#include "watcher.hpp"

#include "app/guest_facts.hpp"
#include "core/errors.hpp"
#include "firewall_file.hpp"
#include "program_file.hpp"
#include "read_guest.hpp"
#include "runtime/log.hpp"
#include "snippet.hpp"
#include "storage_config.hpp"
#include "task_log.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr auto between_readings = 1s;
constexpr auto settling = 20ms;  // Proxmox writes several times within milliseconds
constexpr auto first_read = 10s;
constexpr auto pause_after_trouble = 2s;
constexpr auto until_again = 5s;
constexpr milliseconds between_expectations = 300ms;
constexpr milliseconds shortest_busy = 100ms;
constexpr milliseconds longest_busy = 5s;  // a live migration holds the lock for its whole time
constexpr milliseconds longest_trouble = 5min;
constexpr auto between_listing_and_task = 2s;  // a migration's task ends after it has removed the config

bool is_hookscript_everywhere(const Cluster& cluster) {
    try {
        return is_program(snippet_place(cluster)) && silent_nodes(cluster).empty();
    } catch (const InputError&) {
        return false;  // the doctor says what is wrong with storage.cfg
    }
}

/// Those that it wears, and those that it will wear after its next start.
std::set<Mac> macs_in(const GuestConfig& config) {
    std::set<Mac> macs;
    for (const auto& nics : {config.nics(), config.planned_nics()}) {
        for (const auto& nic : nics) {
            if (nic.mac) macs.insert(*nic.mac);
        }
    }
    return macs;
}

/// A listing of all guests that lets something more urgent in before each.
class UrgentBetween final : public GuestSource {
public:
    UrgentBetween(GuestSource& source, std::function<void()> urgent) : source_{source}, urgent_{std::move(urgent)} {}

    [[nodiscard]] GuestKind kind() const override { return source_.kind(); }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override {
        return source_.list([&](const Guest& guest) {
            urgent_();
            visit(guest);
        });
    }
    void list_others(const std::function<void(const Guest&)>& visit) override { source_.list_others(visit); }
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override { return source_.find(id); }
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override { return source_.write(guest, edit); }

private:
    GuestSource& source_;
    std::function<void()> urgent_;
};

}  // namespace

Watcher::Watcher(std::shared_ptr<const daemon::Setup> setup, std::function<void()> leases_changed)
    : first_setup_{std::move(setup)},
      leases_changed_{std::move(leases_changed)},
      guests_{cluster_, [this] { return context_of_guest(); }},
      not_before_{Steady::now() + first_read} {
    guests_.writer().may_hold(true);
}

void Watcher::run() {
    use_now(first_setup_);
    while (!inbox_.is_stopped()) {
        wait();
        round();
        busy_since_ = TimePoint{};
    }
    try {
        guests_.writer().give_up_restarts(context());  // nobody else would come back to a VM that is held
    } catch (const std::exception& trouble) {
        runtime::log(runtime::Level::error, "guests-held", trouble.what());
    }
}

void Watcher::use_now(const std::shared_ptr<const daemon::Setup>& setup) {
    place_ = std::make_unique<daemon::Workplace>(setup);
    compare_at_ = {};
}

void Watcher::wait() {
    auto until = std::min(list_at_, std::max(compare_at_, not_before_));
    if (guests_.writer().is_expecting()) until = std::min(until, Steady::now() + between_expectations);
    for (const auto& [vmid, at] : again_) until = std::min(until, at);
    const auto left = std::chrono::ceil<milliseconds>(until - Steady::now()).count();
    std::array<pollfd, 2> files{
        {{inbox_.descriptor(), POLLIN, 0}, {folders_ ? folders_->descriptor() : -1, POLLIN, 0}}};
    (void)::poll(files.data(), files.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (files[1].revents == 0) return;
    if (!folders_->take()) folders_.reset();
    list_at_ = std::min(list_at_, Steady::now() + settling);
}

void Watcher::round() {
    auto wishes = inbox_.take();
    if (wishes.setup) next_setup_ = std::move(wishes.setup);
    if (next_setup_) {
        guarded([&] {
            use_now(next_setup_);
            next_setup_.reset();
        });
    }
    if (wishes.is_compare_due) compare_at_ = not_before_ = {};
    for (const auto vmid : wishes.starting) {
        guests_.expect(vmid);
        guarded([&] { look_at(vmid); });
    }
    if (Steady::now() >= list_at_) guarded([&] { follow_list(); });
    guarded([&] { carry_out_endings(); });
    for (const auto vmid : wishes.look) {
        guarded([&] { look_at(vmid); });
        look_at_held();
    }
    if (wishes.is_waiting_due) guarded([&] { waiting_ones(); });
    const auto now = Steady::now();
    for (const auto& [vmid, at] : std::map{again_}) {
        if (at > now) continue;
        guarded([&, &id = vmid] { look_at(id); });
        look_at_held();
    }
    if (guests_.writer().is_expecting()) guarded([&] { guests_.writer().hold_wrong_starts(context()); });
    if (Steady::now() >= std::max(compare_at_, not_before_)) guarded([&] { compare_now(); });
    look_at_held();
}

/// What a guest's change is decided with. Asked for at each: the watchdog counts anew, and once we are to stop no
/// further one is begun.
Context Watcher::context_of_guest() {
    if (inbox_.is_stopped()) throw GuestsUnavailable{"stopping"};
    busy_since_ = Steady::now();
    return context();
}

/// What goes wrong with one guest must not keep the others waiting; what is lost here the comparison finds.
void Watcher::guarded(const std::function<void()>& work) {
    if (inbox_.is_stopped()) return;
    try {
        busy_since_ = Steady::now();
        work();
    } catch (const GuestsUnavailable& away) {
        log_.warn("guests-unavailable", away.what());
    } catch (const InputError& wrong) {
        log_.warn("guest-unreadable", wrong.what());
    } catch (const StoreBusy& busy) {
        log_.warn("store-busy", busy.what());
        compare_at_ = Steady::now() + pause_after_trouble;
    } catch (const StoreError& error) {
        log_.warn("store-error", error.what());
        compare_at_ = Steady::now() + pause_after_trouble;
    }
}

void Watcher::follow_list() {
    list_at_ = Steady::now() + between_readings;
    const auto stamp = cluster_.stamp();
    if (!stamp) {
        stamp_.reset();
        folders_.reset();
        if (!std::exchange(is_away_, true)) {
            runtime::log(runtime::Level::warning, "pmxcfs-away",
                         "pmxcfs is not running: nothing is known about this node's guests, and nothing is released");
        }
        return;
    }
    is_away_ = false;
    if (stamp_ == stamp && !table_->is_waiting()) return;
    const auto node = cluster_.local_node();
    if (!table_) table_.emplace(node);
    if (!folders_) {
        const auto own = cluster_.root() / "nodes" / node;
        folders_ = std::make_unique<FolderWatch>(std::vector<std::filesystem::path>{own / "qemu-server", own / "lxc"});
    }
    const auto list = cluster_.guests();
    const auto changes = table_->take(*stamp, list, cluster_.is_quorate(), Steady::now());
    stamp_ = stamp;
    if (changes.is_restarted) {
        note_first_run(context(), guests_);  // a guest that comes from now on is a new one
        runtime::log(runtime::Level::info, "pmxcfs-watched",
                     node + ": " + std::to_string(list.size()) + " guests in the cluster");
    }
    take(changes);
}

void Watcher::take(const ListChanges& changes) {
    if (changes.is_restarted) {
        compare_at_ = {};
        is_announcement_lost_ = is_announcement_lost_ || was_announced_;
    }
    for (const auto& guest : changes.gone) guarded([&] { gone(guest); });
    guarded([&] { carry_out_endings(); });
    for (const auto vmid : changes.left) guarded([&] { look_at_others(vmid); });
    for (const auto vmid : changes.arrived) guests_.expect(vmid);
    for (const auto vmid : changes.others) guarded([&] { look_at_others(vmid); });
    for (const auto vmid : changes.look) {
        guarded([&] { look_at(vmid); });
        look_at_held();
    }
}

/// They are paused: before everybody else, and again soon.
void Watcher::look_at_held() {
    for (const auto vmid : std::set{guests_.writer().restarting()}) {
        const auto due = again_.find(vmid);
        if (due != again_.end() && due->second > Steady::now()) continue;
        guarded([&] { look_at(vmid); });
        if (guests_.writer().restarting().contains(vmid)) again_.try_emplace(vmid, Steady::now() + shortest_busy);
    }
}

void Watcher::look_at(int vmid) {
    again_.erase(vmid);
    try {
        const auto before = guests_.last_known(vmid);
        const auto guest = guests_.find_own(vmid);
        end_former(vmid, before);
        if (guest) return look_at_known(*guest);
        if (guests_.writer().restarting().contains(vmid)) guests_.writer().let_go(vmid);
        trouble_.erase(vmid);
    } catch (const InputError& wrong) {
        throw InputError{"guest " + std::to_string(vmid) + ": " + wrong.what()};
    } catch (const GuestsUnavailable&) {
        put_off(vmid, until_again, longest_trouble);  // what hangs holds up everybody
        throw;
    } catch (const StoreBusy&) {
        again_[vmid] = Steady::now() + until_again;
        throw;
    }
}

/// The longer a guest is in trouble, the rarer it is tried.
void Watcher::put_off(int vmid, milliseconds shortest, milliseconds longest) {
    const auto now = Steady::now();
    const auto since = trouble_.try_emplace(vmid, now).first->second;
    again_[vmid] = now + std::clamp<TimePoint::duration>((now - since) / 8, shortest, longest);
}

void Watcher::look_at_known(const Guest& guest) {
    const auto vmid = vmid_of(guest.id).value_or(0);
    const auto now = context();
    note_first_run(now, guests_);
    try {
        take_note(fip::look_at(now, guests_, guest));
        guests_.has_arrived(vmid);
        finish(guest, vmid);
    } catch (const InputError& wrong) {  // the comparison tries again
        trouble_.erase(vmid);
        log_.write({{Happening::Level::error, "guest-refused", guest.id, guest.name, {}, wrong.what()}});
    }
}

/// Show in its config what it has now, unless it is left as it was before us.
void Watcher::finish(const Guest& guest, int vmid) {
    bool is_held = false;
    context().store.read([&](const Rows& rows) { is_held = is_held_back(rows, guest.id); });
    if (is_held) return;
    const auto shown = guests_.writer().show(guest);
    // A VM that was started before it was written to is in its firmware for two seconds only.
    const bool is_young = guest.run && guest.run->age < 5s;
    if (shown == SetResult::busy) return put_off(vmid, shortest_busy, is_young ? shortest_busy : longest_busy);
    trouble_.erase(vmid);
    if (shown == SetResult::later) {
        again_[vmid] = Steady::now() + until_again;
    } else {
        keep_ipfilter(cluster_, context(), guest);
    }
}

/// The VMID has another guest now: the one before is gone.
void Watcher::end_former(int vmid, const std::optional<GuestId>& before) {
    const auto present = guests_.last_known(vmid);
    if (!before || !present || before == present) return;
    take_note(guest_ended(context(), *before));
}

void Watcher::gone(const GoneGuest& guest) {
    const auto id = guests_.last_known(guest.vmid);
    if (!id || cluster_.has_file_of(guest.vmid) || !cluster_.is_quorate()) return;
    const auto last_there = std::chrono::system_clock::now() - (Steady::now() - guest.since) - between_listing_and_task;
    endings_.push_back({*id, has_migrated(guest.vmid, std::chrono::floor<std::chrono::seconds>(last_there))});
    guests_.forget(guest.vmid);
    again_.erase(guest.vmid);
    trouble_.erase(guest.vmid);
}

/// What is proved stays so while the store is busy; of a guest that is back nothing is.
void Watcher::carry_out_endings() {
    for (; !endings_.empty(); endings_.erase(endings_.begin())) {
        const auto& [id, has_left] = endings_.front();
        if (guests_.last_known(vmid_of(id).value_or(0)) == id) continue;
        take_note(has_left ? guest_left(context(), id) : guest_ended(context(), id));
    }
}

/// Its config is in another node's folder: it went there, or another guest was made there under its VMID.
void Watcher::look_at_others(int vmid) {
    again_.erase(vmid);
    trouble_.erase(vmid);
    const auto before = guests_.last_known(vmid);
    if (!before) return;
    const auto config = guests_.find_elsewhere(vmid);
    if (!config) return;  // the list will say where it is now, or when it is whole
    end_former(vmid, before);
    if (guests_.last_known(vmid) == before) take_note(guest_left(context(), *before, macs_in(*config)));
}

void Watcher::waiting_ones() {
    for (const auto& id : waiting_guests(context())) {
        if (const auto vmid = vmid_of(id)) guarded([&] { look_at(*vmid); });
        look_at_held();
    }
}

void Watcher::compare_now() {
    compare_at_ = Steady::now() + place_->setup().settings.interval;
    const auto now = context();
    const auto restarts = guests_.writer().take_up_restarts(now);
    if (is_away_) return;
    for (const auto vmid : restarts) guarded([&] { look_at(vmid); });
    guarded([&] { keep_announced(); });
    guests_.writer().may_set_hookscript(is_hookscript_everywhere(cluster_));
    UrgentBetween source{guests_, [this] { look_at_held(); }};
    const auto all = look_at_all(now, source, Effects::apply, {});
    for (const auto& gap : all.listing.gaps) log_.warn("listing-incomplete", gap);
    take_note(all);
    if (!table_) return;
    const auto node = cluster_.local_node();
    for (const auto& [vmid, listed] : table_->list()) {
        if (listed.node != node) continue;
        guarded([&, &id = vmid] { check_shown(id); });
        look_at_held();
    }
}

/// A node that joins a cluster gets its /etc/pve, and loses its own (`pvecm add`).
void Watcher::keep_announced() {
    const auto node = cluster_.local_node();
    was_announced_ = is_announced(cluster_, node);
    if (!was_announced_ && is_announcement_lost_ && is_program(snippet_place(cluster_))) {
        announce(cluster_, node);
        was_announced_ = true;
        runtime::log(runtime::Level::info, "snippet-announced",
                     node + ": the cluster is told again that it has the snippet");
    }
    if (was_announced_) is_announcement_lost_ = false;
}

/// look_at_all() has looked; left is what it does not know of.
void Watcher::check_shown(int vmid) {
    const auto before = guests_.last_known(vmid);
    const auto guest = guests_.find_own(vmid);
    end_former(vmid, before);
    if (guest) finish(*guest, vmid);
}

void Watcher::take_note(const Looked& looked) {
    log_.write(looked.happenings);
    if (looked.is_provider_work_due) leases_changed_();
}

}  // namespace fip::proxmox
