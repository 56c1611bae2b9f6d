// From the definition of a guest to its virtual MAC, and what a guest's whole life costs at the provider.
#include "leases.hpp"
#include "live_host.hpp"
#include "measure.hpp"
#include "plan.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stock = 4;
constexpr auto mac_of_the_tool = "52:54:00:aa:bb:cc";

bool is_at_rest(const Counts& counts) {
    return counts.warm == stock && counts.good == 0 && counts.unready == 0;
}

class DefineTimes {
public:
    explicit DefineTimes(LiveHost& host) : host_{host} { host_.libvirt().define(other_); }

    // An existing guest on a bridge that nobody manages.
    Duration redefine() {
        const auto time = host_.libvirt().define(other_);
        host_.libvirt().listen(20ms);
        return time;
    }

    // The clock begins when the caller of the define has his answer, which is when the event is sent.
    Duration define_to_mac() {
        const Holder guest{++count_};
        auto& libvirt = host_.libvirt();
        host_.await("the stock is not warm again", is_at_rest, 30s);
        libvirt.forget_events();
        libvirt.define(small_domain_xml(guest, mac_of_the_tool, "br0"));
        const auto begin = LibvirtClient::Clock::now();
        const auto end = libvirt.await(guest.name(), GuestEvent::redefined, 10s);
        if (libvirt.inactive_xml(guest.name()).find(mac_of_the_tool) != std::string::npos) {
            throw std::runtime_error{"the redefinition did not bring a virtual MAC"};
        }
        libvirt.undefine(guest.name());
        return end - begin;
    }

private:
    LiveHost& host_;
    std::string other_ = small_domain_xml(Holder{0xffff}, "52:54:00:00:00:99", "virbr7");
    std::uint32_t count_ = 0;
};

void measure_time(const Plan& plan, LiveHost& host, Report& report) {
    DefineTimes times{host};
    Candidate ours{[&] { return times.define_to_mac(); }};
    Candidate reference{[&] { return times.redefine(); }};
    tell("define: defines and redefines");
    alternate({&ours, &reference}, plan.rounds(200));
    report.rows.push_back({"define", "define event to the MAC in the XML, warm stock", "ms", ours.median_ms(),
                           "virDomainDefineXML, existing", reference.median_ms(), Row::Limit::ratio, 10});
}

void live_once(LiveHost& host, const Holder& guest) {
    auto& libvirt = host.libvirt();
    libvirt.define(small_domain_xml(guest, mac_of_the_tool, "br0"));
    host.await(
        "no lease with its reverse name", [](const Counts& counts) { return counts.good == 1; }, 30s);
    libvirt.start(guest.name());
    libvirt.listen(200ms);
    libvirt.destroy(guest.name());
    libvirt.undefine(guest.name());
    host.await("not everything is given back", is_at_rest, 30s);
}

void measure_lives(const Plan& plan, LiveHost& host, Report& report) {
    host.await("the stock is not warm", is_at_rest, 30s);
    const auto lives = plan.rounds(20);
    tell(fmt::format("define: {} guests from define over start to undefine", lives));
    host.provider().clear_counters();
    for (int i = 0; i < lives; ++i) live_once(host, Holder{0x10000U + static_cast<std::uint32_t>(i)});
    const auto per_life = [&](std::int64_t total) { return static_cast<double>(total) / lives; };
    report.rows.push_back({"define", "writes to the provider per VM life", "", per_life(host.provider().writes()), "",
                           0, Row::Limit::value, 5});
    report.rows.push_back({"define", "reads from the provider per VM life", "", per_life(host.provider().reads())});
}

}  // namespace

void measure_define(const Plan& plan, Report& report) {
    LiveHost host{plan, {.pool = fmt::format("warm = {}\nhostname = \"{{name}}.example.com\"\n", stock)}};
    host.await("the stock is not warm", is_at_rest, 30s);
    measure_time(plan, host, report);
    measure_lives(plan, host, report);
}

}  // namespace fip::bench
