// What the guard takes from the traffic that may leave.
#include "cable.hpp"
#include "guard/nft_guard.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace fip::bench {
namespace {

constexpr std::uint32_t many = 1000;
constexpr double most = 1.03;  // 3 % of the throughput

GuardRules rules_for(std::uint32_t macs) {
    UplinkRules rules;
    rules.uplink = Cable::uplink;
    rules.bridge = "br0";
    rules.own = {Mac::parse(Cable::host_mac)};
    auto address = Address::parse("198.18.0.1");
    for (std::uint32_t i = 1; i < macs; ++i) {
        rules.registered[Mac::parse(fmt::format("02:00:00:01:{:02x}:{:02x}", i >> 8U, i & 255U))] = {address};
        address = address.next().value();
    }
    rules.registered[Mac::parse(Cable::guest_mac)] = {Address::parse(Cable::guest_address)};
    return {rules};
}

/// This process, and the threads it makes, on one core: then time says what the way through the kernel costs.
class OneCore {
public:
    OneCore() {
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t last;
        CPU_ZERO(&last);
        for (int i = CPU_SETSIZE - 1; i >= 0; --i) {
            if (!CPU_ISSET(i, &before_)) continue;
            CPU_SET(i, &last);
            break;
        }
        ::sched_setaffinity(0, sizeof last, &last);
    }
    ~OneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OneCore(const OneCore&) = delete;
    OneCore& operator=(const OneCore&) = delete;

private:
    cpu_set_t before_{};
};

double median_ratio(const Candidate& with, const Candidate& without) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < with.samples.size(); ++i) ratios.push_back(with.samples[i] / without.samples[i]);
    return median(ratios);
}

void measure_traffic(const Plan& plan, Report& report, Cable::Segments segments, const char* what,
                     std::size_t megabytes) {
    const test::TempDir devices;
    std::filesystem::create_directories(std::filesystem::path{devices.path()} / "class/net" / Cable::uplink);
    Cable cable{segments};
    guard::NftGuard guard{std::make_shared<guard::OwnWrites>(), devices.path()};
    const auto rules = rules_for(many);
    const auto bytes = (plan.is_quick ? megabytes / 8 : megabytes) << 20U;
    const auto transfer = [&] {
        const OneCore core;
        return cable.send(bytes);
    };
    Candidate with{[&] {
        guard.apply(rules);
        return transfer();
    }};
    Candidate without{[&] {
        guard.apply(rules);  // so that both sides have just worked
        guard.remove();
        return transfer();
    }};
    alternate({&with, &without}, plan.is_quick ? 3 : 31);
    const auto ratio = median_ratio(with, without);
    Row row{"guard",
            fmt::format("{} MiB {}, {} MACs registered", bytes >> 20U, what, many),
            "ms",
            without.median_ms() * ratio,
            "without the guard",
            without.median_ms(),
            Row::Limit::ratio,
            most};
    row.note = fmt::format("median of the ratios of {} pairs; {:.0f} MB/s without the guard, on one core",
                           with.samples.size(), static_cast<double>(bytes) / 1000 / without.median_ms());
    report.rows.push_back(row);
}

}  // namespace

void measure_guard(const Plan& plan, Report& report) {
    measure_traffic(plan, report, Cable::Segments::whole, "through bridge and uplink", 64);
    measure_traffic(plan, report, Cable::Segments::frames, "in single frames", 16);
}

}  // namespace fip::bench
