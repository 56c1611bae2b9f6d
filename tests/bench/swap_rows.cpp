// A guest that starts with a MAC that is not the provider's: how long until its NIC is right.
#include "leases.hpp"
#include "live_host.hpp"
#include "measure.hpp"
#include "plan.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stock = 4;
constexpr auto mac_of_the_tool = "52:54:00:aa:bb:cc";
constexpr auto other_mac = "52:54:00:dd:ee:ff";
constexpr auto removal_limit = 500ms;  // where no event has come by then, the guest is reset once more

bool is_at_rest(const Counts& counts) {
    return counts.warm == stock && counts.good == 0 && counts.unready == 0;
}

// libvirt's own text of it, with its address on the bus, and another MAC.
std::string interface_with(const std::string& xml, const std::string& mac) {
    const std::string closing = "</interface>";
    const auto begin = xml.find("<interface ");
    const auto end = xml.find(closing);
    if (begin == xml.npos || end == xml.npos) throw std::runtime_error{"the guest has no NIC"};
    auto element = xml.substr(begin, end + closing.size() - begin);
    const auto at = element.find(mac_of_the_tool);
    if (at == element.npos) throw std::runtime_error{"the guest's NIC has another MAC already"};
    return element.replace(at, mac.size(), mac);
}

class SwapTimes {
public:
    explicit SwapTimes(LiveHost& host) : host_{host} {}

    // The clock begins when whoever creates the guest has his answer.
    Duration ours() {
        const auto guest = create("br0");
        const auto begin = LibvirtClient::Clock::now();
        libvirt_.await(guest.name(), GuestEvent::unplugged, 10s);
        const auto end = libvirt_.await(guest.name(), GuestEvent::resumed, 10s);
        finish(guest);
        host_.await("not everything is given back", is_at_rest, 30s);
        return end - begin;
    }

    Duration bare_calls() {
        const auto guest = create("br1");
        const auto& name = guest.name();
        const auto begin = LibvirtClient::Clock::now();
        const auto nic = interface_with(libvirt_.live_xml(name), other_mac);
        libvirt_.suspend(name);
        unplug(name);
        libvirt_.plug_in(name, nic);
        libvirt_.resume(name);
        const auto end = LibvirtClient::Clock::now();
        finish(guest);
        return end - begin;
    }

private:
    Holder create(const std::string& bridge) {
        const Holder guest{++count_};
        host_.await("the stock is not warm", is_at_rest, 30s);
        libvirt_.forget_events();
        libvirt_.create(small_domain_xml(guest, mac_of_the_tool, bridge));
        return guest;
    }

    void unplug(const std::string& name) {
        constexpr int most_resets = 3;
        libvirt_.unplug(name, "net0");
        for (int i = 0; i < most_resets; ++i) {
            libvirt_.reset(name);
            if (libvirt_.hears(name, GuestEvent::unplugged, removal_limit)) return;
        }
        throw std::runtime_error{"the guest does not let go of its NIC"};
    }

    void finish(const Holder& guest) {
        const auto xml = libvirt_.live_xml(guest.name());
        if (xml.find("<interface ") == xml.npos || xml.find(mac_of_the_tool) != xml.npos) {
            throw std::runtime_error{"the guest's NIC was not replaced"};
        }
        libvirt_.destroy(guest.name());
    }

    LiveHost& host_;
    LibvirtClient& libvirt_ = host_.libvirt();
    std::uint32_t count_ = 0;
};

}  // namespace

void measure_swap(const Plan& plan, Report& report) {
    // Without the hook: it has its own rows, and its work is done before a guest has started.
    LiveHost host{plan, {.pool = "warm = " + std::to_string(stock), .has_hook = false}};
    SwapTimes times{host};
    Candidate ours{[&] { return times.ours(); }};
    Candidate reference{[&] { return times.bare_calls(); }};
    tell("swap: late starts, and the bare calls of libvirt");
    alternate({&ours, &reference}, plan.rounds(30));
    Row row{"swap",
            "late start: answer to the create to the right NIC, warm stock",
            "ms",
            ours.median_ms(),
            "the bare libvirt calls",
            reference.median_ms(),
            Row::Limit::value,
            300};
    row.note = "libvirt tells the daemon of the start a moment before the answer";
    report.rows.push_back(row);
}

}  // namespace fip::bench
