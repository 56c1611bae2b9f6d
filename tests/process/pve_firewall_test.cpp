// The ipfilter sets of a guest in a pmxcfs: who else may be at work on its firewall file.
#include "fakes/memory_lease_store.hpp"
#include "firewall_file.hpp"
#include "ports/guest_source.hpp"
#include "support/fake_clock.hpp"
#include "support/pve_node.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

constexpr auto lock = "/etc/pve/priv/lock/firewall-vm-100";
constexpr auto file = "/etc/pve/firewall/100.fw";
constexpr auto no_process = "4194305";  // the kernel counts less far

/// Guest 100 with one lease, which its firewall file does not say yet.
struct Ground {
    PveNode node{[] {
        PveNode::Options options;
        options.has_network = false;
        return options;
    }()};
    MemoryLeaseStore store;
    FakeClock clock;
    Settings settings;
    std::map<std::string, ProviderTraits> traits;
    Guest guest;

    Ground() {
        settings.proxmox_ipfilter = true;
        settings.pools["public"].bridges = {"vmbr0"};
        guest.id = {GuestKind::proxmox, "100"};
        Nic nic;
        nic.type = NicType::bridge;
        nic.bridge = "vmbr0";
        guest.nics = {nic};
        Lease lease;
        lease.address = Address::parse("203.0.113.5");
        lease.state = LeaseState::active;
        lease.guest = guest.id;
        lease.slot = "net0";
        store.write([&](Rows& rows) { rows.leases.put(lease); });
    }
    void keep() {
        const proxmox::Cluster cluster{node.outside("/etc/pve")};
        proxmox::keep_ipfilter(cluster, {settings, traits, store, clock, [] { return std::uint64_t{0}; }}, guest);
    }
    [[nodiscard]] bool is_kept() const {
        return node.exists(file) && node.read(file).find("203.0.113.5") != std::string::npos;
    }
};

}  // namespace

#define NEEDS_NODE()                                                       \
    if (const auto why_ = ::fip::test::why_no_pve_node(); !why_.empty()) { \
        WARN("SKIPPED: " << why_);                                         \
        return;                                                            \
    }

TEST_CASE("a firewall file that somebody else is changing is waited for a moment, then left for the next time") {
    NEEDS_NODE();
    Ground ground;
    ground.node.must({"mkdir", lock});
    CHECK_THROWS_WITH(ground.keep(), Contains("somebody else is changing its firewall"));
    CHECK(ground.node.exists(lock));
    CHECK_FALSE(ground.node.exists(file));
    ground.node.must({"rmdir", lock});
    ground.keep();
    CHECK(ground.is_kept());
    CHECK_FALSE(ground.node.exists(lock));
}

TEST_CASE("the lock of a process that was killed is ended by pmxcfs on request, once it is old") {
    NEEDS_NODE();
    Ground ground;
    ground.node.must({"mkdir", lock});
    ground.node.must({"touch", "-d", "-110 seconds", lock});
    CHECK_THROWS_AS(ground.keep(), GuestsUnavailable);
    ground.node.must({"touch", "-d", "-121 seconds", lock});
    ground.keep();
    CHECK(ground.is_kept());
    CHECK_FALSE(ground.node.exists(lock));
}

TEST_CASE("what a killed process left beside a firewall file goes with the next change, a living one's stays") {
    NEEDS_NODE();
    Ground ground;
    const auto beside = std::string{file} + ".tmp.";
    for (const auto& process : {std::string{no_process}, std::to_string(::getppid()), std::string{"x"}}) {
        ground.node.must({"sh", "-c", "echo >" + beside + process});
    }
    ground.keep();
    CHECK(ground.is_kept());
    CHECK_FALSE(ground.node.exists(beside + no_process));
    CHECK(ground.node.exists(beside + std::to_string(::getppid())));
    CHECK(ground.node.exists(beside + "x"));
}

TEST_CASE("without a quorum the firewall file stays as it is") {
    NEEDS_NODE();
    Ground ground;
    ground.node.quorum(false);
    CHECK_THROWS_AS(ground.keep(), GuestsUnavailable);
    ground.node.quorum(true);
    ground.keep();
    CHECK(ground.is_kept());
}

TEST_CASE("where no guest ever had a firewall file its folder is made") {
    NEEDS_NODE();
    Ground ground;
    ground.node.must({"rmdir", "/etc/pve/firewall"});
    ground.keep();
    CHECK(ground.is_kept());
}
