// The daemon on a host with many guests, at rest.
#include "leases.hpp"
#include "live_host.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "threads.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;

void define_guests(LiveHost& host, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const Holder guest{i};
        host.libvirt().define(small_domain_xml(guest, guest.mac().text(), "br0"));
    }
    host.await(
        "not every guest has its lease",
        [&](const Counts& counts) { return counts.good == count && counts.unready == 0; }, 20s + count * 300ms);
}

void await_quiet(pid_t daemon) {
    for (int i = 0; i < 60; ++i) {
        WakeUps seconds{daemon};
        seconds.watch(3s);
        if (seconds.was_quiet()) return;
    }
    throw std::runtime_error{"the daemon was never quiet for three seconds"};
}

}  // namespace

void measure_daemon(const Plan& plan, Report& report) {
    const std::uint32_t guests = plan.is_quick ? 50 : 1000;
    const std::chrono::seconds interval = plan.is_quick ? 10s : 60s;
    LiveHost host{plan,
                  {.addresses = guests + 10, .pool = "warm = 2", .interval = std::to_string(interval.count()) + "s"}};
    tell(fmt::format("daemon: {} guests are defined and get their leases", guests));
    define_guests(host, guests);
    const auto daemon = host.daemon_pid();
    await_quiet(daemon);

    const auto window = 2 * interval + 10s;
    tell(fmt::format("daemon: {} s of watching it do nothing", window.count()));
    const auto cpu_before = cpu_time(daemon);
    WakeUps wake_ups{daemon};
    wake_ups.watch(window);
    const auto cpu = cpu_time(daemon) - cpu_before;

    const auto what = [&](const char* text) { return fmt::format("daemon, {} guests: {}", guests, text); };
    report.rows.push_back({"daemon", what("RssAnon"), "MB", anonymous_memory_mb(daemon), "", 0, Row::Limit::value, 20});
    const auto early = static_cast<double>(wake_ups.early(interval));
    Row row{"daemon",
            fmt::format("{} in {} s", what("wake-ups between comparisons"), window.count()),
            "",
            early,
            "",
            0,
            Row::Limit::value,
            0};
    row.note = "libvirtd's own keepalive, by default every 5 s, is off here";
    if (early > 0) row.note += "; " + wake_ups.text();
    report.rows.push_back(row);
    const auto intervals = static_cast<double>(window.count()) / static_cast<double>(interval.count());
    report.rows.push_back(
        {"daemon", what("CPU per interval: comparison, provider's list"), "ms", in_ms(cpu) / intervals});
}

}  // namespace fip::bench
