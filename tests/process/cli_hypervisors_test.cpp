// A host with libvirt's and Proxmox' guests: the command line asks both programs, and joins what they say.
#include "cli_daemon.hpp"
#include "cli_golden.hpp"
#include "cli_host.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

constexpr auto vm_uuid = "6f1b1f5e-0000-4000-8000-000000000100";

// The machine of the tests has libvirt or not: on this host it has not, or has.
constexpr auto hide_libvirt = R"(mkdir -p /run/sbin/upper /run/sbin/work
mount -t overlay -o lowerdir=/usr/sbin,upperdir=/run/sbin/upper,workdir=/run/sbin/work overlay /usr/sbin
rm -f /usr/sbin/libvirtd /usr/sbin/virtqemud
)";

struct Node : CliHost {
    std::string program = bring("failover-ip");

    Node() {
        configure(manual_config());
        std::filesystem::create_directory(path("pve"));
        put(lease("203.0.113.1", {GuestKind::libvirt, "4dea22b3-1d52-48f3-9516-782e98a23fa0"}, "web1", "0"));
        put(lease("203.0.113.2", {GuestKind::proxmox, std::string{"100/"} + vm_uuid}, "web1", "net0"));
        put(lease("203.0.113.3", {GuestKind::proxmox, "200"}, "db1", "net0"));
        says("failover-ip-libvirt", R"({"origins":["host/qemu"],"gaps":[],"guests":[],"steps":[],"would_end":[],)"
                                    R"("providers":[{"provider":"hand","problem":null}]})");
        says("failover-ip-proxmox", proxmox_guests());
    }

    static Lease lease(const std::string& address, GuestId guest, const std::string& name, const std::string& slot) {
        Lease lease;
        lease.address = Address::parse(address);
        lease.provider = "hand";
        lease.pool = "public";
        lease.state = LeaseState::active;
        lease.origin = guest.kind == GuestKind::libvirt ? "host/qemu" : "pve/pve";
        lease.guest = std::move(guest);
        lease.guest_name = name;
        lease.slot = slot;
        lease.mac = Mac::parse("02:00:00:00:00:0" + address.substr(address.size() - 1));
        lease.since = WallTime{std::chrono::seconds{1714979289}};
        return lease;
    }
    static std::string proxmox_guests() {
        return R"({"origins":["pve/pve"],"gaps":[],"guests":[{"kind":"proxmox","id":"100","uuid":")" +
               std::string{vm_uuid} + R"(","name":"web1","running":true,"persistent":true,"held_back":false,)" +
               R"("nics":[{"nic":0,"slot":"net0","bridge":"vmbr0","mac":"02:00:00:00:00:02","pool":"public",)" +
               R"("wanted_mac":"02:00:00:00:00:02","addresses":["203.0.113.2"],"problem":null}],"remarks":[]}],)" +
               R"("steps":[{"guest":{"kind":"proxmox","id":"100","uuid":")" + vm_uuid +
               R"(","name":"web1"},"address":null,"level":"info","id":"record-written","text":"a tag"}],)" +
               R"("would_end":[],"providers":[{"provider":"hand","problem":"away"}]})";
    }
    void says(const std::string& name, const std::string& text, int exit_code = 0) const {
        put_beside(name, "#!/bin/bash\necho \"$@\" >>" + path("asked-" + name) + "\ncat <<'EOF'\n" + text +
                             "\nEOF\nexit " + std::to_string(exit_code) + "\n");
    }
    [[nodiscard]] std::string asked(const std::string& name) const {
        return std::filesystem::exists(path("asked-" + name)) ? read_file(path("asked-" + name)) : "";
    }
    enum class Libvirt { there, hidden };
    [[nodiscard]] Result tell(const std::string& arguments, Libvirt libvirt = Libvirt::there) const {
        // Whether it is there is asked for by its name only.
        const std::string begin =
            libvirt == Libvirt::hidden ? hide_libvirt : std::string{hide_libvirt} + "touch /usr/sbin/libvirtd\n";
        return run({"/bin/bash", "-c", "set -e\n" + begin + "exec " + program + " " + arguments});
    }
};

}  // namespace

TEST_CASE("a Proxmox guest is explained by VMID and by name, beside a libvirt guest of that name", "[cli]") {
    const Node host;
    const auto by_id = host.tell("guest explain 100");
    CHECK(by_id.exit_code == 0);
    CHECK(by_id.err.empty());
    check_golden("explain_proxmox.txt", by_id.out);
    check_golden("explain_proxmox.json", host.tell("guest explain 100 --json").out);
    const auto both = host.tell("guest explain web1");
    CHECK_THAT(both.out, Contains("web1  (libvirt 4dea22b3-1d52-48f3-9516-782e98a23fa0, not on this host)"));
    CHECK_THAT(both.out, Contains("web1  (proxmox 100, running)"));
    CHECK_THAT(host.asked("failover-ip-proxmox"), Contains("watch --once --dry-run --json --config"));
    CHECK_THAT(host.asked("failover-ip-libvirt"), Contains("--once --dry-run --json --config"));
}

TEST_CASE("what Proxmox does not say is told of its guests only", "[cli]") {
    const Node host;
    host.put_beside("failover-ip-proxmox",
                    "#!/bin/bash\necho 'failover-ip-proxmox: no /etc/pve/.version' >&2\nexit 1\n");
    const auto container = host.tell("guest explain 200");
    CHECK(container.exit_code == 0);
    CHECK_THAT(container.out, Contains("db1  (proxmox 200, not seen)"));
    CHECK_THAT(container.out, Contains("What Proxmox VE says is not known:\n"
                                       "  Proxmox VE does not answer: failover-ip-proxmox: no /etc/pve/.version"));
    CHECK_THAT(container.out, Contains("203.0.113.3/32"));  // what it needs inside
    CHECK_THAT(host.tell("guest explain 4dea22b3-1d52-48f3-9516-782e98a23fa0").out, !Contains("Proxmox"));
}

TEST_CASE("lease list shows a Proxmox guest's VMID", "[cli]") {
    const Node host;
    const auto leases = boost::json::parse(host.tell("lease list --json").out).as_array();
    REQUIRE(leases.size() == 3);
    CHECK(leases[1].at("guest") == boost::json::parse(R"({"kind":"proxmox","id":"100","name":"web1"})"));
    CHECK(leases[2].at("guest").at("id") == "200");
}

TEST_CASE("an address is released by hand only when the hypervisor of its guest says that it is gone", "[cli]") {
    const Node host;
    const auto there = host.tell("lease release 203.0.113.2");
    CHECK(there.exit_code == 1);
    CHECK_THAT(there.err, Contains("belongs to the guest web1, which exists; remove it and"));
    CHECK(host.tell("lease release 203.0.113.3").exit_code == 0);  // the container is not in the listing

    SECTION("another guest has the VMID now") {
        auto text = host.proxmox_guests();
        const auto at = text.find(vm_uuid);
        text.replace(at, 4, "ffff");
        host.says("failover-ip-proxmox", text);
        CHECK(host.tell("lease release 203.0.113.2").exit_code == 0);
    }
    SECTION("Proxmox does not answer: nothing is known of its guests, and everything of libvirt's") {
        host.says("failover-ip-proxmox", R"({"origins":[],"gaps":["no quorum"],"guests":[]})", 1);
        const auto doubt = host.tell("lease release 203.0.113.2");
        CHECK(doubt.exit_code == 1);
        CHECK_THAT(doubt.err, Contains("no quorum"));
        CHECK(host.find("203.0.113.2")->state == LeaseState::active);
        CHECK(host.tell("lease release 203.0.113.1").exit_code == 0);
    }
    SECTION("our program for Proxmox is not there") {
        std::filesystem::remove(host.path("programs/failover-ip-proxmox"));
        CHECK(host.tell("lease release 203.0.113.2").exit_code == 1);
        CHECK(host.find("203.0.113.2")->state == LeaseState::active);
    }
}

TEST_CASE("a node without libvirt is not asked for libvirt's guests, and a host without Proxmox not for its", "[cli]") {
    const Node host;
    CHECK(host.tell("guest explain 100", Node::Libvirt::hidden).exit_code == 0);
    CHECK(host.asked("failover-ip-libvirt").empty());
    CHECK_FALSE(host.asked("failover-ip-proxmox").empty());
    CHECK(host.tell("reconcile", Node::Libvirt::hidden).exit_code == 0);
    CHECK(host.asked("failover-ip-libvirt").empty());

    std::filesystem::remove(host.path("asked-failover-ip-proxmox"));
    std::filesystem::remove(host.path("pve"));
    CHECK(host.tell("guest explain web1", Node::Libvirt::hidden).exit_code == 0);
    CHECK(host.asked("failover-ip-proxmox").empty());
    CHECK_FALSE(host.asked("failover-ip-libvirt").empty());  // it says itself that there is none
}

TEST_CASE("reconcile compares both kinds, and tells one story", "[cli]") {
    const Node host;
    const auto all = host.tell("reconcile --json --confirm --dry-run");
    CHECK(all.exit_code == 0);
    const auto report = boost::json::parse(all.out).as_object();
    CHECK(report.at("origins") == boost::json::parse(R"(["host/qemu","pve/pve"])"));
    CHECK(report.at("guests").as_array().size() == 1);
    CHECK(report.at("steps").as_array().size() == 1);
    CHECK(report.at("providers") == boost::json::parse(R"([{"provider":"hand","problem":"away"}])"));
    CHECK_THAT(host.asked("failover-ip-proxmox"),
               Contains("watch --once --reconcile --config /etc/failover-ip/config.toml --confirm --dry-run --json"));

    SECTION("for people, who is idle says nothing unless all are") {
        host.says("failover-ip-libvirt", "nothing to do");
        host.says("failover-ip-proxmox", "web1: a tag was written");
        CHECK(host.tell("reconcile").out == "web1: a tag was written\n");
        host.says("failover-ip-proxmox", "nothing to do");
        CHECK(host.tell("reconcile").out == "nothing to do\n");
    }
    SECTION("the worst exit code counts: what a person must mend before what is tried again") {
        host.says("failover-ip-libvirt", "a", 3);
        CHECK(host.tell("reconcile").exit_code == 3);
        host.says("failover-ip-proxmox", "b", 1);
        const auto both = host.tell("reconcile");
        CHECK(both.exit_code == 1);
        CHECK(both.out == "a\nb\n");
        host.says("failover-ip-libvirt", "a", 1);
        host.says("failover-ip-proxmox", "b", 3);
        CHECK(host.tell("reconcile").exit_code == 1);
    }
    SECTION("one that is not installed does not keep the other from its work") {
        std::filesystem::remove(host.path("programs/failover-ip-proxmox"));
        const auto half = host.tell("reconcile --json");
        CHECK(half.exit_code == 1);
        CHECK_THAT(half.err, Contains("failover-ip-proxmox is not installed"));
        CHECK(boost::json::parse(half.out).at("origins").as_array().size() == 1);
    }
}

TEST_CASE("both daemons hear of a release", "[cli]") {
    const Node host;
    const CliDaemon libvirt{host.path("run/libvirt.sock"), CliDaemon::Manner::answers};
    const CliDaemon proxmox{host.path("run/proxmox.sock"), CliDaemon::Manner::answers};
    CHECK(host.tell("lease release 203.0.113.3").exit_code == 0);
    CHECK(libvirt.requests() == std::vector<std::string>{"poke"});
    CHECK(proxmox.requests() == std::vector<std::string>{"poke"});
}
