// What Proxmox waits for at every start of a guest.
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
#include <string>
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
bridges = ["vmbr0"]
hostname = "{name}.example.com"
)";

// As the workers of Proxmox have it (PROXMOX.md 1.1).
const std::vector<std::string> environment{"PATH=/sbin:/bin:/usr/sbin:/usr/bin", "HOME=/root", "LC_ALL=C",
                                           "LVM_SUPPRESS_FD_WARNINGS=1", "PVE_MIGRATED_FROM="};

// The node's own folder. It is in memory: what a real pmxcfs takes for a read is not ours.
void make_node() {
    fs::create_directories("/etc/pve/nodes/pve/qemu-server");
    fs::create_directories("/etc/pve/nodes/pve/lxc");
    fs::create_directory_symlink("nodes/pve", "/etc/pve/local");
}

void write_config(const Holder& holder, const std::string& bridge) {
    std::ofstream{fmt::format("/etc/pve/local/qemu-server/{}.conf", holder.vmid())}
        << vm_config(holder, holder.mac().text(), bridge);
}

Program call(const std::string& program, const Holder& holder, const char* phase) {
    return {{program, std::to_string(holder.vmid()), phase}, environment, ""};
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
          folder{dir / ("pve-" + std::to_string(count))},
          holder{count / 2, GuestKind::proxmox},
          hook{call(plan.program("failover-ip-proxmox-hook"), holder, "pre-start")},
          time{[this] {
              const fs::path now = "/var/lib/failover-ip/now";
              fs::remove(now);
              fs::create_directory_symlink(folder, now);
              return hook.run().time;
          }} {
        fs::create_directory(folder);
        make_store(folder / "leases.db", leases, GuestKind::proxmox);
        write_config(holder, "vmbr0");
    }
};

std::list<Size> make_sizes(const Plan& plan, const test::TempDir& dir) {
    std::vector<std::uint32_t> counts{1, 10'000, 1'000'000};
    if (plan.is_quick) counts.back() = 50'000;
    std::list<Size> sizes;
    for (const auto count : counts) {
        tell(fmt::format("proxmox: a store with {} leases", count));
        sizes.emplace_back(plan, dir, count);
    }
    return sizes;
}

}  // namespace

void measure_pve_hook(const Plan& plan, Report& report) {
    const test::TempDir dir;
    const PrivateRoot root;
    std::ofstream{"/etc/failover-ip/config.toml"} << configuration;
    make_node();
    const Holder stranger{2'000'000, GuestKind::proxmox};
    write_config(stranger, "vmbr7");
    auto sizes = make_sizes(plan, dir);

    const auto program = plan.program("failover-ip-proxmox-hook");
    const auto nothing = call("/bin/true", stranger, "pre-start");
    const auto foreign = call(program, stranger, "pre-start");
    const auto later = call(program, sizes.back().holder, "post-start");
    Candidate reference{[&] { return nothing.run().time; }};
    Candidate foreign_time{[&] { return foreign.run().time; }};
    Candidate later_time{[&] { return later.run().time; }};
    std::vector<Candidate*> all{&reference, &foreign_time, &later_time};
    for (auto& size : sizes) all.push_back(&size.time);
    tell("proxmox: process starts");
    {
        const Undisturbed first;
        alternate(all, plan.rounds(400));
    }

    const auto add = [&](const std::string& what, const Candidate& time, double most) {
        report.rows.push_back({"proxmox", "hookscript, " + what, "ms", time.median_ms(), "/bin/true",
                               reference.median_ms(), Row::Limit::ratio, most});
    };
    add("guest on no managed bridge", foreign_time, 1.5);
    add("another phase than pre-start", later_time, 1.5);
    for (const auto& size : sizes) add(fmt::format("good lease, {} in the store", size.leases), size.time, 2.5);
}

void measure_proxmox(const Plan& plan, Report& report) {
    measure_pve_hook(plan, report);
    measure_pve_watcher(plan, report);  // from here on FUSE is needed
    measure_pve_create(plan, report);
}

}  // namespace fip::bench
