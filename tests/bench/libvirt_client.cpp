#include "libvirt_client.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <stdexcept>

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

// The loop wakes up for events and timers only; this one lets a wait look at its own clock.
void on_tick(int /*timer*/, void* /*opaque*/) {}

constexpr int tick_ms = 20;

}  // namespace

struct LibvirtClient::Connection {
    struct Redefined {
        std::string name;
        Clock::time_point at;
    };

    virConnectPtr handle = nullptr;
    std::deque<Redefined> redefined{};

    explicit Connection(const std::string& uri) {
        static const int loop = virEventRegisterDefaultImpl();
        static const int timer = loop == 0 ? virEventAddTimeout(tick_ms, on_tick, nullptr, nullptr) : -1;
        check(timer, "libvirt's event loop");
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // what() tells it
        handle = virConnectOpen(uri.c_str());
        if (handle == nullptr) fail(uri);
        check(virConnectDomainEventRegisterAny(handle, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                               VIR_DOMAIN_EVENT_CALLBACK(&on_event), this, nullptr),
              "domain events");
    }
    ~Connection() {
        if (handle != nullptr) virConnectClose(handle);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    static int on_event(virConnectPtr /*connection*/, virDomainPtr domain, int event, int detail, void* opaque) {
        if (event == VIR_DOMAIN_EVENT_DEFINED && detail == VIR_DOMAIN_EVENT_DEFINED_UPDATED) {
            static_cast<Connection*>(opaque)->redefined.push_back({virDomainGetName(domain), Clock::now()});
        }
        return 0;
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
    char* text = virDomainGetXMLDesc(connection_->find(name).get(), VIR_DOMAIN_XML_INACTIVE);
    if (text == nullptr) fail("XML of " + name);
    std::string xml{text};
    std::free(text);
    return xml;
}

void LibvirtClient::forget_events() {
    connection_->redefined.clear();
}

void LibvirtClient::listen(std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    while (Clock::now() < end) check(virEventRunDefaultImpl(), "libvirt's event loop");
}

LibvirtClient::Clock::time_point LibvirtClient::await_redefine(const std::string& name,
                                                               std::chrono::milliseconds limit) {
    const auto end = Clock::now() + limit;
    while (Clock::now() < end) {
        for (const auto& event : connection_->redefined) {
            if (event.name == name) return event.at;
        }
        check(virEventRunDefaultImpl(), "libvirt's event loop");
    }
    throw std::runtime_error{name + " was not redefined within " + std::to_string(limit.count()) + " ms"};
}

}  // namespace fip::bench
