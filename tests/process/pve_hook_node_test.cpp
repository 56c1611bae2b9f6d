// The hookscript as the snippet of guests on a node that behaves as Proxmox VE does.
#include "store/sqlite_lease_store.hpp"
#include "support/pve_node.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <string>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto configuration = R"([hook]
deadline = "4s"
[providers.dedibox]
type = "online"
endpoint = "http://127.0.0.1:9"
token_file = "/etc/failover-ip/dedibox.token"
server = "192.0.2.10"
[pools.public]
provider = "dedibox"
bridges = ["vmbr0"]
)";

std::string this_boot() {
    std::ifstream file{"/proc/sys/kernel/random/boot_id"};
    std::string id;
    std::getline(file, id);
    return id;
}

/// With the snippet, and one free address that has its virtual MAC 52:54:00:00:00:01 already.
struct Node {
    PveNode pve;
    TempDir dir;  ///< The node sees it too, and SQLite follows the links in /proc.
    store::SqliteLeaseStore store{dir / "leases.db", 5s, store::Access::create};

    explicit Node(PveNode::Options options = {}) : pve{std::move(options)} {
        pve.put_snippet_program("failover-ip", FIP_BIN_DIR "/failover-ip-proxmox-hook");
        pve.write("/etc/failover-ip/config.toml",
                  "[store]\nurl = \"sqlite:" + (dir / "leases.db") + "\"\n" + configuration);
        store.write([](Rows& rows) {
            ProviderStatus status;
            status.synced_at = WallTime{1ms};
            status.synced_boot = this_boot();
            rows.provider.set_status("dedibox", status);
            ProviderAddress free;
            free.address = Address::parse("203.0.113.1");
            free.server = "192.0.2.10";
            free.mac = Mac::parse("52:54:00:00:00:01");
            rows.provider.replace("dedibox", {free});
            Lease stock;
            stock.address = free.address;
            stock.provider = "dedibox";
            stock.pool = "public";
            stock.state = LeaseState::warm;
            stock.mac = free.mac;
            rows.leases.put(stock);
        });
    }
    void create_vm() {
        (void)pve.must({"qm", "create", "100", "--name", "web1", "--net0", "virtio=BC:24:11:00:00:99,bridge=vmbr0",
                        "--hookscript", "local:snippets/failover-ip"});
    }
};

bool is_skipped() {
    const auto why = why_no_pve_node();
    if (!why.empty()) WARN("SKIPPED: " << why);
    return !why.empty();
}

}  // namespace

TEST_CASE("of a VM with a wrong MAC one start fails, and the queued one runs with the right one", "[pve]") {
    if (is_skipped()) return;
    Node node;
    node.create_vm();
    const auto begin = Clock::now();
    const auto start = node.pve.run({"qm", "start", "100"});
    CAPTURE(start.out, start.err);
    CHECK(start.exit_code == 255);
    CHECK_THAT(start.out + start.err, Contains("hookscript error for 100 on pre-start") &&
                                          Contains("failover-ip: web1 (100): net0 now has its virtual MAC "
                                                   "52:54:00:00:00:01; this start is refused, and another one is "
                                                   "queued"));
    CHECK(Clock::now() - begin < 15s);  // the queued start holds nothing that the refused one waits for
    CHECK(wait_until([&] { return node.pve.pid_of(100) != 0; }, 20s));
    CHECK(node.pve.config_value(100, "net0") == "virtio=52:54:00:00:00:01,bridge=vmbr0");

    SECTION("and a later start says nothing") {
        (void)node.pve.must({"qm", "stop", "100"});
        const auto again = node.pve.run({"qm", "start", "100"});
        CHECK(again.exit_code == 0);
        CHECK((again.out + again.err).find("failover-ip") == std::string::npos);
    }
}

TEST_CASE("a container on a node is put right as a VM is", "[pve]") {
    if (is_skipped()) return;
    Node node;
    (void)node.pve.must({"pct", "create", "200", "local:vztmpl/debian.tar.zst", "--hostname", "ct1", "--net0",
                         "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:99", "--hookscript",
                         "local:snippets/failover-ip"});
    const auto start = node.pve.run({"pct", "start", "200"});
    CAPTURE(start.out, start.err);
    CHECK(start.exit_code != 0);
    CHECK_THAT(start.out + start.err, Contains("ct1 (200): net0 now has its virtual MAC 52:54:00:00:00:01"));
    CHECK(wait_until([&] { return node.pve.pid_of(200) != 0; }, 20s));
    CHECK_THAT(node.pve.config_value(200, "net0"), Contains("hwaddr=52:54:00:00:00:01"));
}

TEST_CASE("without a quorum nothing is written, and the start is refused", "[pve]") {
    if (is_skipped()) return;
    Node node;
    node.create_vm();
    const auto before = node.pve.config(100);
    node.pve.quorum(false);
    const auto start = node.pve.run({"/var/lib/vz/snippets/failover-ip", "100", "pre-start"});
    CAPTURE(start.out, start.err);
    CHECK(start.exit_code == 1);
    CHECK_THAT(start.err, Contains("100.conf cannot be written"));
    CHECK(node.pve.config(100) == before);
    node.store.read([](const Rows& rows) { CHECK(rows.guests.notes(NoteKind::queued_start).empty()); });
}

TEST_CASE("with pmxcfs gone or broken a start is refused while the guard is down", "[pve]") {
    if (is_skipped()) return;
    Node node;
    node.create_vm();
    SECTION("gone") {
        node.pve.pmxcfs_down();
    }
    SECTION("broken") {
        node.pve.pmxcfs_crash();
    }
    const auto start = node.pve.run({"/var/lib/vz/snippets/failover-ip", "100", "pre-start"});
    CHECK(start.exit_code == 1);
    CHECK_THAT(start.err, Contains("guest 100 may not start") && Contains("failover-ip guard up"));
    node.pve.pmxcfs_up();
}
