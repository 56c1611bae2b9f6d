#include "libvirt_client.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

namespace fip::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
    const char* said = virGetLastErrorMessage();
    throw std::runtime_error{what + ": " + (said != nullptr ? said : "unknown error")};
}

void check(int result, const std::string& what) {
    if (result < 0) fail(what);
}

struct FreeDomain {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using Domain = std::unique_ptr<virDomain, FreeDomain>;

std::string xml_of(const Domain& domain, unsigned flags) {
    char* text = virDomainGetXMLDesc(domain.get(), flags);
    if (text == nullptr) fail("XML");
    std::string xml{text};
    std::free(text);
    return xml;
}

// The loop wakes up for events and timers only; this one lets a wait look at its own clock.
void on_tick(int /*timer*/, void* /*opaque*/) {}

constexpr int tick_ms = 20;

}  // namespace

struct LibvirtClient::Connection {
    struct Heard {
        std::string name;
        GuestEvent event;
        Clock::time_point at;
    };

    virConnectPtr handle = nullptr;
    std::deque<Heard> heard{};
    std::vector<int> callbacks{};

    explicit Connection(const std::string& uri) {
        static const int loop = virEventRegisterDefaultImpl();
        static const int timer = loop == 0 ? virEventAddTimeout(tick_ms, on_tick, nullptr, nullptr) : -1;
        check(timer, "libvirt's event loop");
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // what() tells it
        handle = virConnectOpen(uri.c_str());
        if (handle == nullptr) fail(uri);
        listen_to(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(&on_event));
        listen_to(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(&on_removed));
    }
    ~Connection() {
        if (handle == nullptr) return;
        // Each holds the connection, and would still be called.
        for (const int callback : callbacks) virConnectDomainEventDeregisterAny(handle, callback);
        virConnectClose(handle);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void listen_to(int event, virConnectDomainEventGenericCallback callback) {
        callbacks.push_back(virConnectDomainEventRegisterAny(handle, nullptr, event, callback, this, nullptr));
        check(callbacks.back(), "domain events");
    }

    void note(virDomainPtr domain, GuestEvent event) {
        heard.push_back({virDomainGetName(domain), event, Clock::now()});
    }

    static int on_event(virConnectPtr /*connection*/, virDomainPtr domain, int event, int detail, void* opaque) {
        auto& self = *static_cast<Connection*>(opaque);
        if (event == VIR_DOMAIN_EVENT_DEFINED && detail == VIR_DOMAIN_EVENT_DEFINED_UPDATED) {
            self.note(domain, GuestEvent::redefined);
        } else if (event == VIR_DOMAIN_EVENT_RESUMED) {
            self.note(domain, GuestEvent::resumed);
        }
        return 0;
    }

    static void on_removed(virConnectPtr /*connection*/, virDomainPtr domain, const char* /*alias*/, void* opaque) {
        static_cast<Connection*>(opaque)->note(domain, GuestEvent::unplugged);
    }

    [[nodiscard]] Domain find(const std::string& name) const {
        Domain domain{virDomainLookupByName(handle, name.c_str())};
        if (!domain) fail(name);
        return domain;
    }
};

LibvirtClient::LibvirtClient(const std::string& uri) : connection_{std::make_unique<Connection>(uri)} {}
LibvirtClient::~LibvirtClient() = default;

Duration LibvirtClient::define(const std::string& xml) {
    const auto begin = Clock::now();
    const Domain domain{virDomainDefineXML(connection_->handle, xml.c_str())};
    const auto end = Clock::now();
    if (!domain) fail("define");
    return end - begin;
}

void LibvirtClient::create(const std::string& xml) {
    const Domain domain{virDomainCreateXML(connection_->handle, xml.c_str(), 0)};
    if (!domain) fail("create");
}
void LibvirtClient::start(const std::string& name) {
    check(virDomainCreate(connection_->find(name).get()), "start " + name);
}
void LibvirtClient::destroy(const std::string& name) {
    check(virDomainDestroy(connection_->find(name).get()), "destroy " + name);
}
void LibvirtClient::undefine(const std::string& name) {
    check(virDomainUndefine(connection_->find(name).get()), "undefine " + name);
}

std::string LibvirtClient::inactive_xml(const std::string& name) {
    return xml_of(connection_->find(name), VIR_DOMAIN_XML_INACTIVE);
}
std::string LibvirtClient::live_xml(const std::string& name) {
    return xml_of(connection_->find(name), 0);
}

void LibvirtClient::suspend(const std::string& name) {
    check(virDomainSuspend(connection_->find(name).get()), "suspend " + name);
}
void LibvirtClient::resume(const std::string& name) {
    check(virDomainResume(connection_->find(name).get()), "resume " + name);
}
void LibvirtClient::reset(const std::string& name) {
    check(virDomainReset(connection_->find(name).get(), 0), "reset " + name);
}
void LibvirtClient::unplug(const std::string& name, const std::string& alias) {
    check(virDomainDetachDeviceAlias(connection_->find(name).get(), alias.c_str(), VIR_DOMAIN_AFFECT_LIVE),
          "unplug " + alias);
}
void LibvirtClient::plug_in(const std::string& name, const std::string& interface) {
    check(virDomainAttachDeviceFlags(connection_->find(name).get(), interface.c_str(), VIR_DOMAIN_AFFECT_LIVE),
          "plug in");
}

void LibvirtClient::forget_events() {
    connection_->heard.clear();
}

void LibvirtClient::listen(std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    while (Clock::now() < end) check(virEventRunDefaultImpl(), "libvirt's event loop");
}

std::optional<LibvirtClient::Clock::time_point> LibvirtClient::find(const std::string& name, GuestEvent event,
                                                                    std::chrono::milliseconds limit) {
    auto& heard = connection_->heard;
    for (const auto end = Clock::now() + limit;;) {
        while (!heard.empty()) {
            const auto next = std::move(heard.front());
            heard.pop_front();
            if (next.name == name && next.event == event) return next.at;
        }
        if (Clock::now() >= end) return {};
        check(virEventRunDefaultImpl(), "libvirt's event loop");
    }
}

LibvirtClient::Clock::time_point LibvirtClient::await(const std::string& name, GuestEvent event,
                                                      std::chrono::milliseconds limit) {
    const auto at = find(name, event, limit);
    if (!at) throw std::runtime_error{name + ": nothing within " + std::to_string(limit.count()) + " ms"};
    return *at;
}

bool LibvirtClient::hears(const std::string& name, GuestEvent event, std::chrono::milliseconds limit) {
    return find(name, event, limit).has_value();
}

}  // namespace fip::bench
