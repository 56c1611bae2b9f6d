// From the creation of a guest on a Proxmox node to its virtual MAC.
#include "live_node.hpp"
#include "measure.hpp"
#include "plan.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t stock = 4;
constexpr int other_vmid = 100;  // on a bridge that nobody manages

class CreateTimes {
public:
    explicit CreateTimes(LiveNode& live) : live_{live} { create(other_vmid, "vmbr7"); }

    // What the watcher must do at least, done by hand.
    Duration set() {
        await_rest();
        is_even_ = !is_even_;
        const auto begin = Clock::now();
        live_.node().must({"qm", "set", std::to_string(other_vmid), "--tags", is_even_ ? "even" : "odd"});
        return Clock::now() - begin;
    }

    // The clock begins when the caller of the create has his answer, which is when the config's lock is free.
    Duration create_to_mac() {
        await_rest();
        const int vmid = ++last_;
        create(vmid, "vmbr0");
        const auto begin = Clock::now();
        while (!has_virtual_mac(vmid)) {
            if (Clock::now() - begin > 10s) throw std::runtime_error{"a new guest got no virtual MAC"};
            std::this_thread::sleep_for(200us);
        }
        return Clock::now() - begin;
    }

private:
    void await_rest() {
        const auto is_stocked = [&] {
            const auto counts = live_.counts();
            return counts.warm == stock && counts.unready == 0;
        };
        live_.await("the stock is not warm again", is_stocked, 30s);
        live_.await_rest(300ms, 30s);
    }

    [[nodiscard]] bool has_virtual_mac(int vmid) {
        const auto nic = live_.node().config_value(vmid, "net0");
        return !nic.empty() && nic.find(own_macs) == std::string::npos;
    }

    void create(int vmid, const std::string& bridge) {
        live_.node().must({"qm", "create", std::to_string(vmid), "--name", fmt::format("web{}", vmid), "--memory", "64",
                           "--net0", "virtio,bridge=" + bridge});
    }

    static constexpr auto own_macs = "BC:24:11:";  // the MACs that it makes up

    LiveNode& live_;
    int last_ = other_vmid;
    bool is_even_ = false;
};

}  // namespace

void measure_pve_create(const Plan& plan, Report& report) {
    const int rounds = plan.rounds(60);
    LiveNode live{plan, {.addresses = static_cast<std::size_t>(rounds) + 20, .pool = fmt::format("warm = {}", stock)}};
    CreateTimes times{live};
    Candidate ours{[&] { return times.create_to_mac(); }};
    Candidate reference{[&] { return times.set(); }};
    tell("proxmox: creates and sets");
    alternate({&ours, &reference}, rounds);
    Row row{"proxmox",
            "qm create's end to the MAC in the config, warm stock",
            "ms",
            ours.median_ms(),
            "qm set, simulator's",
            reference.median_ms(),
            Row::Limit::ratio,
            10};
    row.note = "a real qm set takes half a second by itself";
    report.rows.push_back(row);
}

}  // namespace fip::bench
