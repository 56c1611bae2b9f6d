#include "guest_worker.hpp"

#include "app/start_claim.hpp"
#include "core/errors.hpp"
#include "interrupted_listing.hpp"
#include "kept_refusals.hpp"
#include "read_guest.hpp"
#include "runtime/log.hpp"
#include "worn_mac.hpp"

#include <algorithm>
#include <utility>

namespace fip::plugin {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds first_pause{1000};
constexpr milliseconds longest_pause{30'000};
constexpr milliseconds store_pause{1000};
constexpr milliseconds hypervisor_pause{500};
constexpr std::chrono::seconds first_read{10};
constexpr milliseconds claim_slack{500};   // the hook claims right after it has said so
constexpr milliseconds claim_pause{5000};  // between looks while claims are there
constexpr int most_tries = 5;              // for evidence while libvirt is connected and yet does not answer

}  // namespace

GuestWorker::GuestWorker(const std::shared_ptr<const daemon::Setup>& setup, Tasks& tasks,
                         std::function<void()> leases_changed)
    : tasks_{tasks},
      leases_changed_{std::move(leases_changed)},
      swaps_{connections_, [this] { return place_->context(); }, starts_, log_},
      restarts_{connections_, [this] { return place_->context(); }, log_},
      not_before_{Steady::now() + first_read} {
    use(setup);
}

void GuestWorker::run() {
    while (!tasks_.is_stopped()) {
        connect_what_is_due();
        if (Steady::now() >= std::max(compare_at_, not_before_)) tasks_.push({Task::Kind::compare, {}, {}, 0, {}});
        const auto task = tasks_.pop(next_time());
        busy_since_ = Steady::now();
        if (task) handle_and_retry(*task);
        tick();
        busy_since_ = TimePoint{};
    }
    swaps_.let_go();
    links_.clear();
    connections_.clear();
}

void GuestWorker::use(const std::shared_ptr<const daemon::Setup>& setup) {
    place_ = std::make_unique<daemon::Workplace>(setup);
    const auto& uris = place_->setup().settings.libvirt_uris;
    for (const auto& each : connections_) {
        if (std::ranges::find(uris, each->uri()) != uris.end()) continue;
        swaps_.let_go();
        swaps_.forget_guests_of(*each);
        restarts_.forget();
        links_.erase(each->uri());
    }
    std::erase_if(connections_, [&](const auto& each) { return !links_.contains(each->uri()); });
    for (const auto& uri : uris) {
        if (connection(uri) != nullptr) continue;
        connections_.push_back(std::make_unique<Connection>(uri));
        links_.try_emplace(uri);
    }
    compare_at_ = {};
}

Connection* GuestWorker::connection(const std::string& uri) {
    const auto found = std::ranges::find_if(connections_, [&](const auto& each) { return each->uri() == uri; });
    return found == connections_.end() ? nullptr : found->get();
}

void GuestWorker::connect_what_is_due() {
    for (const auto& each : connections_) {
        auto& link = links_.at(each->uri());
        if (!link.subscription && Steady::now() >= link.try_at) connect(*each, link);
    }
}

void GuestWorker::connect(Connection& connection, Link& link) {
    try {
        connection.open();
        note_who_was_here();
        link.subscription =
            std::make_unique<Subscription>(connection.get(), tasks_, connection.uri(), connection.number());
        if (const auto& definitions = connection.definitions()) {
            link.definitions = std::make_unique<DefinitionWatch>(definitions->folder(), tasks_, connection.uri());
        }
        if (const auto& status = connection.status_folder()) {
            link.running = std::make_unique<DefinitionWatch>(*status, tasks_, connection.uri());
        }
    } catch (const GuestsUnavailable& away) {
        connection.close();
        link.pause = std::clamp(link.pause * 2, first_pause, longest_pause);
        link.try_at = Steady::now() + link.pause;
        log_.warn("libvirt-away", std::string{away.what()} + "; trying again");
        return;
    }
    link.pause = {};
    runtime::log(runtime::Level::info, "libvirt-connected", connection.uri());
    compare_at_ = {};  // whatever happened while nobody listened
    go_on_with_the_begun();
}

// Before anything else: a guest that we paused waits for it.
void GuestWorker::go_on_with_the_begun() {
    try {
        swaps_.recover();
        restarts_.recover();
    } catch (const GuestsUnavailable& away) {
        log_.warn("guests-unavailable", away.what());
    } catch (const StoreBusy& busy) {
        log_.warn("store-busy", busy.what());  // the comparison does it again
    } catch (const StoreError& error) {
        log_.warn("store-error", error.what());
    } catch (const InputError& wrong) {
        log_.warn("guest-unreadable", wrong.what());
    }
}

// Before the first event can come: a guest that is defined from now on is a new one.
void GuestWorker::note_who_was_here() {
    try {
        note_first_run(place_->context(), guests_);
    } catch (const GuestsUnavailable&) {
        // Another driver is not connected yet: the comparison asks again, and looks at nobody before.
    } catch (const StoreBusy&) {
        // As above.
    }
}

void GuestWorker::disconnect(Connection& connection, const std::string& why) {
    auto& link = links_.at(connection.uri());
    link.subscription.reset();
    link.definitions.reset();
    link.running.reset();
    swaps_.forget_guests_of(connection);
    restarts_.forget();
    starts_.forget_unbegun();
    connection.close();
    link.try_at = Steady::now() + first_pause;
    link.pause = first_pause;
    runtime::log(runtime::Level::warning, "libvirt-lost", connection.uri() + ": " + why);
}

void GuestWorker::drop_dead_connections() {
    for (const auto& each : connections_) {
        if (each->is_open() && !each->is_alive()) disconnect(*each, "the connection is dead");
    }
}

GuestWorker::TimePoint GuestWorker::next_time() const {
    auto next = std::min({std::max(compare_at_, not_before_), claims_at_, swaps_.next_time(), restarts_.next_time()});
    for (const auto& [uri, link] : links_) {
        if (!link.subscription) next = std::min(next, link.try_at);
    }
    return next;
}

void GuestWorker::handle_and_retry(const Task& task) {
    // Evidence that the guest is gone or left must not be lost, nor overtaken by what was heard later: it goes first
    // again.
    const bool is_evidence = task.kind == Task::Kind::maybe_gone || task.kind == Task::Kind::left;
    try {
        handle(task);
        tries_ = 0;
        return;
    } catch (const GuestsUnavailable& away) {
        log_.warn("guests-unavailable", away.what());
        drop_dead_connections();
        // Without the connection the evidence is stale; sightings take over (rule 5).
        if (!is_evidence || ++tries_ >= most_tries) {
            tries_ = 0;
            return;
        }
        tasks_.push_front(task);
        (void)tasks_.pause(hypervisor_pause);
    } catch (const InputError& wrong) {
        log_.warn("guest-unreadable", task.uuid + ": its definition cannot be read: " + wrong.what());
    } catch (const StoreBusy& busy) {
        log_.warn("store-busy", busy.what());
        tasks_.push_front(task);
        (void)tasks_.pause(store_pause);
    } catch (const StoreError& error) {
        log_.warn("store-error", error.what());
        // The comparison comes back to it; lost evidence is replaced by sightings.
        if (++tries_ < most_tries) {
            tasks_.push_front(task);
        } else {
            tries_ = 0;
        }
        (void)tasks_.pause(store_pause * 5);
    }
}

void GuestWorker::handle(const Task& task) {
    switch (task.kind) {
    case Task::Kind::started:
        return started(task);
    case Task::Kind::removed:
        return removed(task);
    case Task::Kind::resumed:
        starts_.resumed(task.uuid, task.heard);
        return look(task.uuid);
    case Task::Kind::look:
        return look(task.uuid);
    case Task::Kind::changed:
        return look_by_name(task);
    case Task::Kind::maybe_gone:
        stopped(task);
        return settle_doubt(task);
    case Task::Kind::left:
        stopped(task);
        return take_note(guest_left(place_->context(), {GuestKind::libvirt, task.uuid}));
    case Task::Kind::compare:
        return compare();
    case Task::Kind::waiting:
        return look_at_waiting();
    case Task::Kind::claimed:
        claims_at_ = std::min(claims_at_, Steady::now() + claim_lasts + claim_slack);
        return;
    case Task::Kind::lost:
        if (auto* lost = connection(task.uri);
            lost != nullptr && lost->number() == task.connection && lost->is_open()) {
            disconnect(*lost, "libvirt closed the connection");
        }
        return;
    case Task::Kind::reload:
        return use(task.setup);
    }
}

void GuestWorker::handle_urgent() {
    while (const auto task = tasks_.pop_urgent()) handle_and_retry(*task);
    tick();
}

void GuestWorker::tick() {
    try {
        swaps_.tick();
        restarts_.tick();
        if (Steady::now() >= claims_at_) look_at_claims();
    } catch (const GuestsUnavailable& away) {
        log_.warn("guests-unavailable", away.what());
        drop_dead_connections();
    } catch (const StoreError& error) {
        log_.warn("store-error", error.what());  // each has set the time of its next try
    } catch (const StoreBusy& busy) {
        log_.warn("store-busy", busy.what());
    } catch (const InputError& wrong) {
        log_.warn("guest-unreadable", wrong.what());
    }
    for (auto& uuid : swaps_.take_ended()) tasks_.push({Task::Kind::look, std::move(uuid), {}, 0, {}});
}

void GuestWorker::started(const Task& task) {
    const auto kind = task.is_continued ? Starts::Kind::continued : Starts::Kind::booted;
    starts_.started(task.uuid, kind, task.heard);
    swaps_.ended(task.uuid);  // of a run before
    look(task.uuid);
}

void GuestWorker::removed(const Task& task) {
    swaps_.removed(task.uuid, task.device);
    look(task.uuid);
}

void GuestWorker::stopped(const Task& task) {
    swaps_.ended(task.uuid);
    starts_.stopped(task.uuid);
    restarts_.stopped(task.uuid);
}

void GuestWorker::look(const std::string& uuid) {
    if (swaps_.is_under_way(uuid)) return;
    if (const auto guest = guests_.find({GuestKind::libvirt, uuid})) look_at_guest(*guest);
}

void GuestWorker::look_by_name(const Task& task) {
    auto* driver = connection(task.uri);
    if (driver == nullptr || !driver->is_open()) return;
    const DomainHandle domain{virDomainLookupByName(driver->get(), task.uuid.c_str())};
    if (domain) look(uuid_of(domain.get()));
}

void GuestWorker::look_at_waiting() {
    for (const auto& guest : waiting_guests(place_->context())) {
        handle_urgent();
        if (guest.kind == GuestKind::libvirt) look(guest.value);
    }
}

/// Later claims have times of their own: each was announced.
void GuestWorker::look_at_claims() {
    claims_at_ = Steady::now() + claim_pause;  // also when the next lines throw
    const auto context = place_->context();
    take_note(end_unused_claims(context, guests_));
    context.store.read([&](const Rows& rows) {
        const auto is_ours = [](const GuestNote& note) { return note.guest.kind == GuestKind::libvirt; };
        if (std::ranges::none_of(rows.guests.notes(NoteKind::claimed), is_ours)) claims_at_ = TimePoint::max();
    });
}

void GuestWorker::look_at_guest(const Guest& guest) {
    if (swaps_.is_under_way(guest.id.value)) return;
    if (swaps_.has_plugged_in_late(guest)) return;  // looked at again when it has ended
    const auto context = place_->context();
    try {
        note_first_run(context, guests_);
        KeptRefusals source{guests_};
        const auto looked = look_at(context, source, guest);
        log_.write(source.refused());
        take_note(looked);
        swaps_.begin(guest, looked.wrong);
        restarts_.begin(guest, looked.wrong);
        log_.write(let_out(context, guest, looked.wrong));
    } catch (const InputError& wrong) {
        log_.write({{Happening::Level::error, "guest-refused", guest.id, guest.name, {}, wrong.what()}});
    }
}

void GuestWorker::settle_doubt(const Task& task) {
    auto* driver = connection(task.uri);
    if (driver == nullptr || !driver->is_open() || driver->number() != task.connection) return;
    if (const auto guest = guests_.find_in(*driver, task.uuid)) return look_at_guest(*guest);
    for (const auto& other : connections_) {  // it may have moved from one driver of this host to another
        if (other.get() == driver || !other->is_open()) continue;
        if (const auto guest = guests_.find_in(*other, task.uuid)) return look_at_guest(*guest);
    }
    take_note(guest_ended(place_->context(), {GuestKind::libvirt, task.uuid}));
}

void GuestWorker::compare() {
    not_before_ = {};
    compare_at_ = Steady::now() + place_->setup().settings.interval;
    if (std::ranges::none_of(connections_, [](const auto& each) { return each->is_open(); })) return;
    go_on_with_the_begun();
    look_at_claims();
    look_at_waiting();  // before others: whoever has waited longest comes first
    KeptRefusals source{guests_};
    InterruptedListing listing{source, [this](const Guest& guest) -> std::optional<Guest> {
                                   handle_urgent();
                                   if (!swaps_.has_plugged_in_late(guest)) return {};
                                   return guests_.find(guest.id);  // it was listed without the NIC
                               }};
    const auto all = look_at_all(place_->context(), listing, Effects::apply, {});
    for (const auto& gap : all.listing.gaps) log_.warn("listing-incomplete", gap);
    log_.write(source.refused());
    take_note(all);
    for (const auto& guest : all.to_mend) look(guest.value);
    drop_dead_connections();
}

void GuestWorker::take_note(const Looked& looked) {
    log_.write(looked.happenings);
    if (looked.is_provider_work_due) leases_changed_();
}

}  // namespace fip::plugin
