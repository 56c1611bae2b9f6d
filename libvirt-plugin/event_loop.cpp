#include "event_loop.hpp"

#include "connection.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"

#include <libvirt/virterror.h>

#include <atomic>
#include <stdexcept>

namespace fip::plugin {
namespace {

struct Listener {
    Tasks& tasks;
    std::string uri;
    std::uint64_t number;

    void push(Task::Kind kind, virDomainPtr domain) const { tasks.push({kind, uuid_of(domain), uri, number, {}}); }
};

const Listener& listener(void* opaque) {
    return *static_cast<const Listener*>(opaque);
}

Task::Kind task_for(int event, int detail) {
    switch (event) {
    case VIR_DOMAIN_EVENT_UNDEFINED:
        return detail == VIR_DOMAIN_EVENT_UNDEFINED_RENAMED ? Task::Kind::look : Task::Kind::maybe_gone;
    case VIR_DOMAIN_EVENT_STOPPED:
        if (detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED) return Task::Kind::left;
        // Saved to a file it can come back, even one without a definition; what failed may be an incoming migration
        // whose guest lives on elsewhere: no evidence of its end.
        if (detail == VIR_DOMAIN_EVENT_STOPPED_SAVED || detail == VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT ||
            detail == VIR_DOMAIN_EVENT_STOPPED_FAILED) {
            return Task::Kind::look;
        }
        return Task::Kind::maybe_gone;
    case VIR_DOMAIN_EVENT_STARTED:
        return Task::Kind::started;
    case VIR_DOMAIN_EVENT_RESUMED:
        return Task::Kind::resumed;
    default:
        return Task::Kind::look;
    }
}

// No exception may pass through libvirt's C code; what can be thrown here is only lack of memory, and that ends us.
int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) noexcept {
    const auto& heard = listener(opaque);
    Task task{task_for(event, detail), uuid_of(domain), heard.uri, heard.number, {}};
    task.heard = std::chrono::steady_clock::now();
    task.is_continued = event == VIR_DOMAIN_EVENT_STARTED && detail != VIR_DOMAIN_EVENT_STARTED_BOOTED;
    heard.tasks.push(std::move(task));
    return 0;
}

void on_removed(virConnectPtr, virDomainPtr domain, const char* alias, void* opaque) noexcept {
    const auto& heard = listener(opaque);
    Task task{Task::Kind::removed, uuid_of(domain), heard.uri, heard.number, {}};
    task.device = alias;
    heard.tasks.push(std::move(task));
}

void on_device(virConnectPtr, virDomainPtr domain, const char*, void* opaque) noexcept {
    listener(opaque).push(Task::Kind::look, domain);
}

void on_metadata(virConnectPtr, virDomainPtr domain, int, const char*, void* opaque) noexcept {
    listener(opaque).push(Task::Kind::look, domain);
}

void on_close(virConnectPtr, int, void* opaque) noexcept {
    const auto& heard = listener(opaque);
    heard.tasks.push({Task::Kind::lost, {}, heard.uri, heard.number, {}});
}

void free_listener(void* opaque) {
    delete static_cast<Listener*>(opaque);
}

void ignore_error(void*, virErrorPtr) {}

}  // namespace

struct EventLoop::Stop {
    std::atomic<bool> is_wanted{false};
    int timer = -1;
};

EventLoop::EventLoop() : stop_{std::make_unique<Stop>()} {
    virSetErrorFunc(nullptr, ignore_error);  // libvirt prints every error to stderr by itself otherwise
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
        throw std::runtime_error{"libvirt's event loop cannot be set up: " + libvirt_problem()};
    }
    // Sleeps for ever; changing its time from another thread wakes the loop.
    stop_->timer = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    if (stop_->timer < 0) throw std::runtime_error{"libvirt's event loop cannot be set up: " + libvirt_problem()};
    thread_ = std::thread{[stop = stop_.get()] {
        while (!stop->is_wanted && virEventRunDefaultImpl() >= 0) {
        }
    }};
}

EventLoop::~EventLoop() {
    stop_->is_wanted = true;
    virEventUpdateTimeout(stop_->timer, 0);
    thread_.join();
    // What was taken out of the loop just before is freed by its next round.
    virEventUpdateTimeout(stop_->timer, 0);
    (void)virEventRunDefaultImpl();
    virEventRemoveTimeout(stop_->timer);
}

Subscription::Subscription(virConnectPtr connect, Tasks& tasks, const std::string& uri, std::uint64_t number)
    : connect_{connect} {
    const auto add = [&](int event, virConnectDomainEventGenericCallback callback) {
        auto heard = std::make_unique<Listener>(Listener{tasks, uri, number});
        const int id = virConnectDomainEventRegisterAny(connect, nullptr, event, callback, heard.get(), free_listener);
        if (id < 0) {
            const auto problem = uri + ": no events: " + libvirt_problem();
            cancel();
            throw GuestsUnavailable{problem};
        }
        static_cast<void>(heard.release());  // libvirt's now
        callbacks_.push_back(id);
    };
    auto heard = std::make_unique<Listener>(Listener{tasks, uri, number});
    // A driver without a socket behind it cannot be lost, and says so.
    if (virConnectRegisterCloseCallback(connect, on_close, heard.get(), free_listener) == 0) {
        static_cast<void>(heard.release());
    }
    add(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
    add(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device));
    add(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_removed));
    add(VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata));
}

Subscription::~Subscription() {
    cancel();
}

void Subscription::cancel() noexcept {
    // Errors: the other end may be gone, then there is nothing left to cancel there.
    for (const int id : callbacks_) virConnectDomainEventDeregisterAny(connect_, id);
    callbacks_.clear();
    virConnectUnregisterCloseCallback(connect_, on_close);
}

}  // namespace fip::plugin
