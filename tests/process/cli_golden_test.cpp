#include "cli_golden.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

constexpr auto web_id = "4dea22b3-1d52-48f3-9516-782e98a23fa0";
constexpr auto mail_id = "9a8c1f52-5d4f-4b43-9d7e-3a6b0a1b2c3d";

Lease lease(const std::string& address, LeaseState state, const std::string& name) {
    Lease result;
    result.address = Address::parse(address);
    result.provider = "dedibox";
    result.pool = "public";
    result.state = state;
    result.guest_name = name;
    result.since = WallTime{std::chrono::seconds{1714979289}};
    return result;
}

Lease of_guest(Lease result, const std::string& id, const std::string& mac) {
    result.guest = GuestId{GuestKind::libvirt, id};
    result.origin = "host/qemu";
    result.slot = "0";
    result.mac = Mac::parse(mac);
    return result;
}

ProviderAddress fact(const std::string& address, const std::string& server, const std::string& mac) {
    ProviderAddress result;
    result.address = Address::parse(address);
    if (!server.empty()) result.server = server;
    if (!mac.empty()) result.mac = Mac::parse(mac);
    return result;
}

/// One address in every state that there is.
struct Full : CliHost {
    std::string program = bring("failover-ip");

    Full() {
        configure(online_config());
        store().write([](Rows& rows) {
            rows.provider.replace(
                "dedibox",
                {fact("203.0.113.1", "192.0.2.10", "52:54:00:00:00:01"),
                 fact("203.0.113.2", "192.0.2.10", "52:54:00:00:00:02"), fact("203.0.113.3", "192.0.2.10", ""),
                 fact("203.0.113.4", "192.0.2.10", "52:54:00:00:00:04"), fact("203.0.113.5", "192.0.2.10", ""),
                 fact("203.0.113.6", "192.0.2.77", "52:54:00:00:00:06"),
                 fact("203.0.113.7", "192.0.2.10", "52:54:00:00:00:07"),
                 fact("203.0.113.8", "192.0.2.10", "52:54:00:00:00:08"), fact("203.0.113.9", "", "")});
            ProviderStatus status;
            status.synced_at = WallTime{std::chrono::seconds{1714979289}};
            rows.provider.set_status("dedibox", status);
            auto web = of_guest(lease("203.0.113.1", LeaseState::active, "web1"), web_id, "52:54:00:00:00:01");
            web.hostname = "web1.vm.example.com";
            web.rdns = RdnsState::set;
            rows.leases.put(web);
            auto mail = of_guest(lease("203.0.113.2", LeaseState::active, "mail {} \"\n\x1b[31m\xc3\xa9"), mail_id,
                                 "52:54:00:00:00:02");
            mail.hostname = "mail.example.com";
            mail.rdns = RdnsState::failed;
            mail.rdns_due = WallTime{std::chrono::seconds{1714979349}};
            rows.leases.put(mail);
            rows.leases.put(lease("203.0.113.3", LeaseState::pending, "db1"));
            auto going = of_guest(lease("203.0.113.4", LeaseState::releasing, "old1"),
                                  "00000000-0000-4000-8000-000000000001", "52:54:00:00:00:04");
            going.rdns = RdnsState::clearing;
            rows.leases.put(going);
            auto cooling = lease("203.0.113.5", LeaseState::cooling, "old2");
            cooling.cooling_until = WallTime{std::chrono::seconds{1714979589}};
            rows.leases.put(cooling);
            rows.leases.put(of_guest(lease("203.0.113.6", LeaseState::away, "moved1"),
                                     "00000000-0000-4000-8000-000000000002", "52:54:00:00:00:06"));
            auto warm = lease("203.0.113.7", LeaseState::warm, "");
            warm.mac = Mac::parse("52:54:00:00:00:07");
            rows.leases.put(warm);
            rows.guests.put({NoteKind::waiting,
                             {GuestKind::libvirt, mail_id},
                             "1",
                             "mail",
                             "public",
                             "the pool is empty",
                             {WallTime{std::chrono::seconds{1714979300}}, {}, "boot"}});
        });
    }

    void libvirt_says(const std::string& json) const {
        put_beside("failover-ip-libvirt", "#!/bin/bash\ncat <<'EOF'\n" + json + "\nEOF\n");
    }
    [[nodiscard]] Result tell(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), program);
        return run(std::move(arguments));
    }
};

constexpr auto host_json =
    R"({"origins":["host/qemu"],"gaps":[],"guests":[{"kind":"libvirt","id":"4dea22b3-1d52-48f3-9516-782e98a23fa0",)"
    R"("name":"web1","running":true,"persistent":true,"held_back":false,"nics":[{"nic":0,"slot":"0","bridge":"br0",)"
    R"("mac":"52:54:00:00:00:01","pool":"public","wanted_mac":"52:54:00:00:00:01","addresses":["203.0.113.1"],)"
    R"("problem":null}],"remarks":[]},{"kind":"libvirt","id":"9a8c1f52-5d4f-4b43-9d7e-3a6b0a1b2c3d","name":"mail",)"
    R"("running":false,"persistent":true,"held_back":true,"nics":[{"nic":0,"slot":"0","bridge":"br0",)"
    R"("mac":"52:54:00:00:00:99","pool":"public","wanted_mac":"52:54:00:00:00:02","addresses":["203.0.113.2"],)"
    R"("problem":null},{"nic":2,"slot":"1","bridge":"br0","mac":null,"pool":"public","wanted_mac":null,"addresses":[],)"
    R"("problem":"the pool \"public\" has no free address"}],"remarks":["its NIC 3 has a VLAN tag"]}],)"
    R"("steps":[{"guest":{"kind":"libvirt","id":"9a8c1f52-5d4f-4b43-9d7e-3a6b0a1b2c3d","name":"mail"},)"
    R"("address":"203.0.113.2","level":"info","id":"mac-written","text":"its MAC would become 52:54:00:00:00:02"}],)"
    R"("would_end":[],"providers":[{"provider":"dedibox","problem":null}]})";

}  // namespace

TEST_CASE("lease list shows what users call leases, as a table and as JSON", "[cli]") {
    const Full host;
    const auto table = host.tell({"lease", "list"});
    CHECK(table.exit_code == 0);
    CHECK(table.err.empty());
    check_golden("lease_list.txt", table.out);
    check_golden("lease_list.json", host.tell({"lease", "list", "--json"}).out);
}

TEST_CASE("pool list counts every address once, as a table and as JSON", "[cli]") {
    const Full host;
    const auto table = host.tell({"pool", "list"});
    CHECK(table.exit_code == 0);
    check_golden("pool_list.txt", table.out);
    check_golden("pool_list.json", host.tell({"pool", "list", "--json"}).out);
}

TEST_CASE("guest explain tells what a guest has, what it lacks, and what it needs inside", "[cli]") {
    const Full host;
    host.libvirt_says(host_json);
    const auto web = host.tell({"guest", "explain", "web1"});
    CHECK(web.exit_code == 0);
    CHECK(web.err.empty());
    check_golden("explain_good.txt", web.out);
    check_golden("explain_good.json", host.tell({"guest", "explain", "web1", "--json"}).out);
    check_golden("explain_troubled.txt", host.tell({"guest", "explain", "9A8C1F52-5D4F-4B43-9D7E-3A6B0A1B2C3D"}).out);
    check_golden("explain_reservation.txt", host.tell({"guest", "explain", "db1"}).out);
    const auto nobody = host.tell({"guest", "explain", "nobody"});
    CHECK(nobody.exit_code == 1);
    CHECK(nobody.out.empty());
}

TEST_CASE("replies of a second NIC leave by it", "[cli]") {
    const Full host;
    host.libvirt_says(host_json);
    auto second = of_guest(lease("203.0.113.7", LeaseState::active, "web1"), web_id, "52:54:00:00:00:07");
    second.slot = "1";
    host.put(second);
    check_golden("explain_two_nics.txt", host.tell({"guest", "explain", "web1"}).out);
}

TEST_CASE("guest explain tells what was stopped, and what is being done about a start", "[cli]") {
    const Full host;
    host.libvirt_says(host_json);
    host.store().write([](Rows& rows) {
        BlockedSender sender;
        sender.uplink = "eno1";
        sender.port = "vnet3";
        sender.mac = Mac::parse("02:00:00:00:66:66");
        sender.kind = "guest";
        sender.name = "web1";
        sender.detail = "net0";
        sender.frames = 17;
        sender.first = sender.last = WallTime{std::chrono::seconds{1714979389}};
        rows.guard.put(sender);
        sender.mac = Mac::parse("02:00:00:00:66:67");
        sender.name = "another";
        rows.guard.put(sender);
        for (const auto kind : {NoteKind::claimed, NoteKind::swapping, NoteKind::restarting}) {
            GuestNote note{kind, {GuestKind::libvirt, web_id}, "", "web1", "", "", {}};
            note.at.wall = WallTime{std::chrono::seconds{1714979289}};
            note.at.boot_id = "boot";
            rows.guests.put(note);
        }
    });
    check_golden("explain_late.txt", host.tell({"guest", "explain", "web1"}).out);
    check_golden("explain_late.json", host.tell({"guest", "explain", "web1", "--json"}).out);
}

TEST_CASE("guest explain tells what the store knows when libvirt does not answer", "[cli]") {
    const Full host;
    host.put_beside("failover-ip-libvirt", "#!/bin/bash\necho 'failover-ip-libvirt: no connection' >&2\nexit 1\n");
    const auto result = host.tell({"guest", "explain", "web1"});
    CHECK(result.exit_code == 0);
    check_golden("explain_without_libvirt.txt", result.out);
}

TEST_CASE("the network text needs a placeholder where the gateway is not known", "[cli]") {
    CliHost host;
    host.configure(manual_config());
    auto first = lease("203.0.113.1", LeaseState::active, "web1");
    first.provider = "hand";
    first = of_guest(first, web_id, "02:00:00:00:00:01");
    auto second = first;
    second.address = Address::parse("203.0.113.2");
    second.ordinal = 1;
    host.put(first);
    host.put(second);
    const auto program = host.bring("failover-ip");
    host.put_beside("failover-ip-libvirt", "#!/bin/bash\necho 'no libvirt here' >&2\nexit 1\n");
    check_golden("explain_manual.txt", host.run({program, "guest", "explain", "web1"}).out);
}

TEST_CASE("every command's help has examples", "[cli]") {
    const CliHost host;
    std::string all;
    const std::vector<std::vector<std::string>> commands{{},
                                                         {"lease"},
                                                         {"lease", "list"},
                                                         {"lease", "acquire"},
                                                         {"lease", "release"},
                                                         {"pool"},
                                                         {"pool", "list"},
                                                         {"pool", "sync"},
                                                         {"guest"},
                                                         {"guest", "explain"},
                                                         {"reconcile"},
                                                         {"guard"},
                                                         {"guard", "up"},
                                                         {"guard", "down"},
                                                         {"guard", "status"},
                                                         {"doctor"},
                                                         {"config"},
                                                         {"config", "check"}};
    for (auto command : commands) {
        const bool is_noun = command.size() == 1 && command.front() != "reconcile";
        std::string title = "failover-ip";
        for (const auto& word : command) title += " " + word;
        command.insert(command.begin(), "failover-ip");
        command.emplace_back("--help");
        const auto result = host.run(command);
        CAPTURE(title);
        CHECK(result.exit_code == 0);
        CHECK(result.err.empty());
        CHECK((is_noun || result.out.find("Examples:") != std::string::npos));
        all += "$ " + title + " --help\n" + result.out + "\n";
    }
    check_golden("help.txt", all);
}
