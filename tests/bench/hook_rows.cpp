// What libvirt waits for at every start of a guest.
#include "leases.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "private_root.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <list>
#include <vector>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;

constexpr auto configuration = R"([providers.dedibox]
type = "online"
endpoint = "http://127.0.0.1:9/api/v1"
token_file = "/etc/failover-ip/dedibox.token"
server = "192.0.2.10"

[store]
url = "sqlite:/var/lib/failover-ip/now/leases.db"

[pools.public]
provider = "dedibox"
bridges = ["br0"]
hostname = "{name}.example.com"
)";

const std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"};

std::vector<std::string> hook_call(const Plan& plan, const Holder& holder) {
    return {plan.program("failover-ip-hook"), holder.name(), "prepare", "begin", "-"};
}

// The hook knows one configuration and one store: between two runs another store is put in place.
struct Size {
    std::uint32_t leases;
    fs::path folder;
    Holder holder;
    Program hook;
    Candidate time;

    Size(const Plan& plan, const test::TempDir& dir, std::uint32_t count)
        : leases{count},
          folder{dir / std::to_string(count)},
          holder{count / 2},
          hook{hook_call(plan, holder), environment, full_domain_xml(holder, "br0")},
          time{[this] {
              const fs::path now = "/var/lib/failover-ip/now";
              fs::remove(now);
              fs::create_directory_symlink(folder, now);
              return hook.run().time;
          }} {
        make_store(folder / "leases.db", leases);
    }
};

}  // namespace

void measure_hook(const Plan& plan, Report& report) {
    const test::TempDir dir;
    const PrivateRoot root;
    std::ofstream{"/etc/failover-ip/config.toml"} << configuration;

    std::vector<std::uint32_t> counts{1, 10'000, 1'000'000};
    if (plan.is_quick) counts.back() = 50'000;
    std::list<Size> sizes;
    for (const auto count : counts) {
        tell(fmt::format("hook: a store with {} leases", count));
        sizes.emplace_back(plan, dir, count);
    }
    const Holder stranger{7};
    const Program nothing{
        {"/bin/true", stranger.name(), "prepare", "begin", "-"}, environment, full_domain_xml(stranger, "virbr0")};
    const Program foreign{hook_call(plan, stranger), environment, full_domain_xml(stranger, "virbr0")};
    Candidate reference{[&] { return nothing.run().time; }};
    Candidate foreign_time{[&] { return foreign.run().time; }};

    std::vector<Candidate*> all{&reference, &foreign_time};
    for (auto& size : sizes) all.push_back(&size.time);
    tell("hook: process starts");
    {
        const Undisturbed first;
        alternate(all, plan.rounds(400));
    }

    const auto base = reference.median_ms();
    report.rows.push_back({"hook", "hook, guest on no managed bridge", "ms", foreign_time.median_ms(), "/bin/true",
                           base, Row::Limit::ratio, 1.5});
    for (const auto& size : sizes) {
        report.rows.push_back({"hook", fmt::format("hook, good lease, {} in the store", size.leases), "ms",
                               size.time.median_ms(), "/bin/true", base, Row::Limit::ratio, 2.5});
    }
    const auto& largest = sizes.back();
    report.rows.push_back({"hook", fmt::format("hook, good lease, {} in the store", largest.leases), "ms",
                           largest.time.median_ms(), "the same with 1", sizes.front().time.median_ms(),
                           Row::Limit::ratio, 1.3});
}

}  // namespace fip::bench
