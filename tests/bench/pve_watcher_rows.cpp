// The watcher on a Proxmox node with many guests, at rest.
#include "leases.hpp"
#include "live_node.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;

constexpr double seconds_per_minute = 60;

void make_guests(LiveNode& live, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const Holder guest{i, GuestKind::proxmox};
        const auto mac = fmt::format("BC:24:11:00:{:02X}:{:02X}", i >> 8U, i & 255U);
        live.node().write(fmt::format("/etc/pve/local/qemu-server/{}.conf", guest.vmid()),
                          vm_config(guest, mac, "vmbr0"));
    }
    const auto are_served = [&] {
        const auto counts = live.counts();
        return counts.good == count && counts.unready == 0;
    };
    live.await("not every guest has its lease", are_served, 20s + count * 300ms);
    live.await_rest(5s, 120s);
}

/// What each second of rest took.
struct Seconds {
    std::vector<double> cpu_ms;
    std::vector<double> wake_ups;

    [[nodiscard]] double cpu_of_all() const {
        double sum = 0;
        for (const auto each : cpu_ms) sum += each;
        return sum;
    }
};

std::int64_t all_wake_ups(pid_t process) {
    std::int64_t sum = 0;
    for (const auto& [thread, count] : wake_ups(process)) sum += count;
    return sum;
}

Seconds watch(pid_t process, std::chrono::seconds time) {
    Seconds seconds;
    auto cpu = cpu_time(process);
    auto woken = all_wake_ups(process);
    auto tick = std::chrono::steady_clock::now();
    for (auto left = time; left > 0s; left -= 1s) {
        tick += 1s;
        std::this_thread::sleep_until(tick);
        const auto cpu_now = cpu_time(process);
        const auto woken_now = all_wake_ups(process);
        seconds.cpu_ms.push_back(in_ms(cpu_now - cpu));
        seconds.wake_ups.push_back(static_cast<double>(woken_now - woken));
        cpu = cpu_now;
        woken = woken_now;
    }
    return seconds;
}

}  // namespace

void measure_pve_watcher(const Plan& plan, Report& report) {
    const std::uint32_t guests = plan.is_quick ? 50 : 1000;
    const std::chrono::seconds interval = plan.is_quick ? 10s : 60s;
    LiveNode live{plan,
                  {.addresses = guests + 10, .pool = "warm = 2", .interval = std::to_string(interval.count()) + "s"}};
    tell(fmt::format("proxmox: {} guests come and get their leases", guests));
    make_guests(live, guests);

    const auto window = 2 * interval;
    tell(fmt::format("proxmox: {} s of watching the watcher do nothing", window.count()));
    const auto seconds = watch(live.watcher_pid(), window);
    live.await_rest(0s, 1s);  // it still runs

    const auto add = [&](const char* what, const char* unit, double value, Row::Limit limit, double most) {
        report.rows.push_back(
            {"proxmox", fmt::format("watcher, {} guests: {}", guests, what), unit, value, "", 0, limit, most});
    };
    // Most seconds are without a comparison, and without a read of the provider's list.
    const auto idle = median(seconds.cpu_ms) * seconds_per_minute;
    const auto minutes = static_cast<double>(window.count()) / seconds_per_minute;
    add("RssAnon", "MB", anonymous_memory_mb(live.watcher_pid()), Row::Limit::value, 20);
    add("CPU per minute of looking for changes", "ms", idle, Row::Limit::value, 60);
    report.rows.back().note = "the target is 0.1 % of a core";
    add("wake-ups per second", "", median(seconds.wake_ups), Row::Limit::none, 0);
    report.rows.back().note = "one look at .version, whose every file operation is a question to pmxcfs";
    add("CPU per interval: comparison, provider's list", "ms", (seconds.cpu_of_all() - idle * minutes) / 2,
        Row::Limit::value, 600);
    report.rows.back().note = "the target is 1 % of a core at an interval of a minute";
}

}  // namespace fip::bench
