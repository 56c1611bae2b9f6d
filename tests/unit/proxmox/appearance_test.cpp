#include "appearance.hpp"

#include "description.hpp"
#include "sample_configs.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::proxmox;

namespace {

using Changes = std::vector<ConfigChange>;

const Mac mac = Mac::parse("52:54:00:0a:0b:0c");
const Address address = Address::parse("203.0.113.5");
const Address gateway = Address::parse("62.210.0.1");
const std::string snippet{snippet_volume};

const std::string fresh_vm =
    "boot: order=net0\nmemory: 256\nname: web1\nnet0: virtio=BC:24:11:90:26:FE,bridge=vmbr0,firewall=1\n"
    "smbios1: uuid=a3fa25e1-082b-4568-b15b-0e0d7fe2e001\n";
const std::string drive = "ide2: local-lvm:vm-100-cloudinit,media=cdrom\n";
const std::string line =
    "<!-- failover-ip --><b>net0</b> 203.0.113.5 · MAC 52:54:00:0A:0B:0C · web1.vm.example.com · "
    "gateway 62.210.0.1 · active<!-- /failover-ip -->";

ShownNic nic(int number = 0) {
    return {number, mac, {address}, gateway, "web1.vm.example.com", "active"};
}

Appearance appearance(std::vector<ShownNic> nics) {
    Appearance wanted;
    wanted.nics = std::move(nics);
    wanted.may_set_hookscript = true;
    wanted.is_ours = [](const Address& each) { return Prefix::parse("203.0.113.0/24").contains(each); };
    return wanted;
}

/// And checks that they are enough.
Changes changes(GuestType type, const std::string& text, const Appearance& wanted) {
    const GuestConfig config{type, text};
    auto result = changes_for(config, wanted);
    const GuestConfig after{type, changed_text(config, result)};
    CHECK(changes_for(after, wanted).empty());
    return result;
}

Changes vm(const std::string& text, const Appearance& wanted) {
    return changes(GuestType::vm, text, wanted);
}

Changes container(const std::string& text, const Appearance& wanted) {
    return changes(GuestType::container, text, wanted);
}

/// Of one key; "-": it goes; "=": it stays.
std::string change_of(const Changes& all, const std::string& key) {
    for (const auto& change : all) {
        if (change.key == key) return change.value.value_or("-");
    }
    return "=";
}

std::string ip_config(const std::string& old, const Appearance& wanted, bool has_drive = true) {
    return change_of(vm(fresh_vm + (has_drive ? drive : "") + (old.empty() ? "" : "ipconfig0: " + old + "\n"), wanted),
                     "ipconfig0");
}

std::string container_net(const std::string& net, const Appearance& wanted) {
    return change_of(container("hostname: ct1\nnet0: " + net + "\n", wanted), "net0");
}

}  // namespace

TEST_CASE("a fresh VM gets its MAC, the hookscript, a tag and a line in the Notes") {
    CHECK(vm(fresh_vm, appearance({nic()})) == Changes{{"net0", "virtio=52:54:00:0A:0B:0C,bridge=vmbr0,firewall=1"},
                                                       {"hookscript", snippet},
                                                       {"tags", "fip-203.0.113.5"},
                                                       {"description", line}});
}

TEST_CASE("a VM that shows everything is left alone, also when Proxmox sorted its tags") {
    const auto wanted = appearance({nic()});
    const GuestConfig fresh{GuestType::vm, fresh_vm};
    const auto done = changed_text(fresh, changes_for(fresh, wanted));
    CHECK(vm(done, wanted).empty());
    auto two = wanted;
    two.nics[0].addresses.push_back(Address::parse("203.0.113.10"));
    CHECK(change_of(vm("tags: zz;fip-203.0.113.10;aa;fip-203.0.113.5\n", two), "tags") == "=");
    CHECK(change_of(vm("net0: virtio=52:54:00:0a:0b:0C,bridge=vmbr0\n", wanted), "net0") == "=");
}

TEST_CASE("a clone loses what it copied") {
    auto wanted = appearance({nic()});
    wanted.nics[0].addresses = {Address::parse("203.0.113.6")};
    const auto copy = "#my notes\n#\n#" + encode_text(line) + "\nname: copy\nhookscript: " + snippet +
                      "\nnet0: virtio=BC:24:11:00:00:02,bridge=vmbr0\n" + drive +
                      "ipconfig0: ip=203.0.113.5/32,gw=62.210.0.1,ip6=auto\ntags: fip-203.0.113.5;prod\n";
    const auto all = vm(copy, wanted);
    CHECK(change_of(all, "net0") == "virtio=52:54:00:0A:0B:0C,bridge=vmbr0");
    CHECK(change_of(all, "ipconfig0") == "ip=203.0.113.6/32,gw=62.210.0.1,ip6=auto");
    CHECK(change_of(all, "tags") == "prod;fip-203.0.113.6");
    CHECK(change_of(all, "hookscript") == "=");
    CHECK(change_of(all, "description").starts_with("my notes\n\n<!-- failover-ip --><b>net0</b> 203.0.113.6 "));

    SECTION("on a bridge that is not ours") {
        const auto none = vm(copy, appearance({}));
        CHECK(change_of(none, "net0") == "=");
        CHECK(change_of(none, "ipconfig0") == "ip6=auto");
        CHECK(change_of(none, "tags") == "prod");
        CHECK(change_of(none, "hookscript") == "-");
        CHECK(change_of(none, "description") == "my notes");
    }
    SECTION("while it waits for an address") {
        auto waiting = appearance({{0, {}, {}, {}, "", "waiting: the pool public has no free address"}});
        const auto waits = vm(copy, waiting);
        CHECK(change_of(waits, "net0") == "=");
        CHECK(change_of(waits, "ipconfig0") == "ip6=auto");
        CHECK(change_of(waits, "tags") == "prod");
        CHECK(change_of(waits, "description") ==
              "my notes\n\n<!-- failover-ip --><b>net0</b> waiting: the pool public has no free "
              "address<!-- /failover-ip -->");
    }
}

TEST_CASE("a rollback is put right") {
    const auto back = "#" + encode_text(line) +
                      "\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\ntags: old\n"
                      "\n[snap]\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\ntags: old\n";
    CHECK(vm(back, appearance({nic()})) == Changes{{"net0", "virtio=52:54:00:0A:0B:0C,bridge=vmbr0"},
                                                   {"hookscript", snippet},
                                                   {"tags", "old;fip-203.0.113.5"}});
}

TEST_CASE("a release takes everything of ours, and leaves the rest byte by byte") {
    for (const auto& [name, type, text] : samples::all()) {
        INFO(name);
        const GuestConfig before{type, text};
        if (!before.hookscript().empty() || text.find("203.0.113.") != std::string::npos) continue;
        auto wanted = appearance({});
        for (const auto& each : before.planned_nics()) {
            auto shown = nic(each.number);
            shown.mac = {};
            wanted.nics.push_back(shown);
        }
        const GuestConfig shown{type, changed_text(before, changes_for(before, wanted))};
        if (!wanted.nics.empty()) CHECK(has_our_line(shown.description()));
        const GuestConfig after{type, changed_text(shown, changes_for(shown, appearance({})))};
        CHECK(after.tags() == before.tags());
        CHECK(after.description() == before.description());
        CHECK(after.hookscript().empty());
        CHECK(after.value("net0") == before.value("net0"));
        CHECK(after.value("ipconfig0") == before.value("ipconfig0"));
        // Empty keys of old are not brought back, nor is a missing last break.
        const bool had_odd_lines = before.value("tags") == "" || (!text.empty() && text.back() != '\n');
        if (!had_odd_lines) CHECK(after.text() == text);
    }
}

TEST_CASE("a guest that is not ours is left alone") {
    for (const auto& [name, type, text] : samples::all()) {
        INFO(name);
        if (text.find("203.0.113.") == std::string::npos) CHECK(changes(type, text, appearance({})).empty());
    }
}

TEST_CASE("without notes neither line nor tags are shown") {
    auto wanted = appearance({nic()});
    wanted.has_notes = false;
    CHECK(vm(fresh_vm, wanted) ==
          Changes{{"net0", "virtio=52:54:00:0A:0B:0C,bridge=vmbr0,firewall=1"}, {"hookscript", snippet}});
    const auto all = vm("#a\n#\n#" + encode_text(line) + "\ntags: fip-203.0.113.5\n" + fresh_vm, wanted);
    CHECK(change_of(all, "tags") == "-");
    CHECK(change_of(all, "description") == "a");
}

TEST_CASE("another hookscript is never touched, and ours is set only where it may be") {
    const std::string other = "hookscript: local:snippets/other.sh\n";
    CHECK(change_of(vm(fresh_vm + other, appearance({nic()})), "hookscript") == "=");
    CHECK(change_of(vm(fresh_vm + other, appearance({})), "hookscript") == "=");
    auto wanted = appearance({nic()});
    wanted.may_set_hookscript = false;
    CHECK(change_of(vm(fresh_vm, wanted), "hookscript") == "=");
    CHECK(change_of(vm(fresh_vm + "hookscript: " + snippet + "\n", wanted), "hookscript") == "=");
}

TEST_CASE("a MAC that is pending is not asked for again") {
    const std::string text = "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n\n[PENDING]\n";
    CHECK(change_of(
              changes_for({GuestType::vm, text + "net0: virtio=52:54:00:0A:0B:0C,bridge=vmbr0\n"}, appearance({nic()})),
              "net0") == "=");
    CHECK(change_of(
              changes_for({GuestType::vm, text + "net0: e1000=BC:24:11:00:00:01,bridge=vmbr0\n"}, appearance({nic()})),
              "net0") == "e1000=52:54:00:0A:0B:0C,bridge=vmbr0");
    CHECK(change_of(changes_for({GuestType::vm, text + "delete: net0\n"}, appearance({nic()})), "net0") == "=");
}

TEST_CASE("cloud-init gets the address where the guest has none of its own") {
    const auto wanted = appearance({nic()});
    const std::string ours = "ip=203.0.113.5/32,gw=62.210.0.1";
    CHECK(ip_config("", wanted) == ours);
    CHECK(ip_config("ip=dhcp", wanted) == ours);
    CHECK(ip_config("ip6=auto", wanted) == ours + ",ip6=auto");
    CHECK(ip_config("gw6=fe80::1,ip=dhcp,ip6=2001:db8::5/64", wanted) == "gw6=fe80::1," + ours + ",ip6=2001:db8::5/64");
    CHECK(ip_config("gw=62.210.0.9,ip=203.0.113.9/32", wanted) == "gw=62.210.0.1,ip=203.0.113.5/32");
    CHECK(ip_config("ip=203.0.113.5/32", wanted) == ours);
    CHECK(ip_config("ip=203.0.113.5/32,gw=62.210.0.9", wanted) == ours);

    CHECK(ip_config(ours, wanted) == "=");
    CHECK(ip_config("gw=62.210.0.1,ip=203.0.113.5/32", wanted) == "=");
    CHECK(ip_config("ip=192.0.2.7/24,gw=192.0.2.1", wanted) == "=");
    CHECK(ip_config("ip=203.0.113.5/24,gw=203.0.113.1", wanted) == "=");
    CHECK(ip_config("", wanted, false) == "=");
    CHECK(ip_config("ip=dhcp", wanted, false) == "=");

    auto no_gateway = wanted;
    no_gateway.nics[0].gateway = {};
    CHECK(ip_config("", no_gateway) == "ip=203.0.113.5/32");
    CHECK(ip_config("ip=203.0.113.9/32,gw=192.0.2.1", no_gateway) == "ip=203.0.113.5/32");
    CHECK(ip_config(ours, no_gateway) == "=");
}

TEST_CASE("an address of ours does not stay in the config of a NIC that lost it") {
    const auto none = appearance({});
    CHECK(ip_config("ip=203.0.113.5/32,gw=62.210.0.1", none) == "-");
    CHECK(ip_config("ip=203.0.113.5/32,gw=62.210.0.1,ip6=auto", none) == "ip6=auto");
    CHECK(ip_config("ip=203.0.113.5/32", none, false) == "-");
    CHECK(ip_config("ip=192.0.2.7/24,gw=192.0.2.1", none) == "=");
    CHECK(ip_config("ip=dhcp", none) == "=");
    auto nothing_known = none;
    nothing_known.is_ours = {};
    CHECK(ip_config("ip=203.0.113.5/32", nothing_known) == "=");
}

TEST_CASE("a container's address stands in its NIC") {
    const auto wanted = appearance({nic()});
    const std::string with_mac = "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:0B:0C";
    const std::string ours = ",ip=203.0.113.5/32,gw=62.210.0.1";
    CHECK(container_net("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:12:34:56,ip=dhcp,type=veth", wanted) ==
          with_mac + ours + ",type=veth");
    CHECK(container_net(with_mac + ",gw=192.0.2.1,ip=203.0.113.9/32", wanted) ==
          with_mac + ",gw=62.210.0.1,ip=203.0.113.5/32");
    CHECK(container_net(with_mac + ",ip=203.0.113.5/32", wanted) == with_mac + ours);
    CHECK(container_net("name=eth0,bridge=vmbr0", wanted) == with_mac);

    CHECK(container_net(with_mac + ours, wanted) == "=");
    CHECK(container_net(with_mac + ",ip=manual", wanted) == "=");
    CHECK(container_net(with_mac, wanted) == "=");
    CHECK(container_net(with_mac + ",gw=192.0.2.1,ip=192.0.2.7/24", wanted) == "=");

    auto unconfirmed = wanted;
    unconfirmed.nics[0].mac = {};
    CHECK(container_net("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:12:34:56,ip=dhcp", unconfirmed) == "=");

    const auto none = appearance({});
    CHECK(container_net(with_mac + ours + ",ip6=auto", none) == with_mac + ",ip=dhcp,ip6=auto");
    CHECK(container_net(with_mac + ",ip=192.0.2.7/24", none) == "=");

    CHECK(change_of(container("ipconfig0: ip=203.0.113.5/32\nide2: x:cloudinit\n", wanted), "ipconfig0") == "=");
}

TEST_CASE("several NICs and addresses are shown in one line") {
    auto first = nic();
    first.addresses = {address, Address::parse("203.0.113.6"), Address::parse("2001:db8::6")};
    auto second = nic(3);
    second.addresses = {};
    second.gateway = {};
    second.mac = {};
    second.hostname = "";
    second.state = "waiting: the pool public has no free address";
    const auto all = vm("net0: virtio\nnet3: virtio=BC:24:11:90:26:FE\n" + drive, appearance({first, second}));
    CHECK(change_of(all, "tags") == "fip-203.0.113.5;fip-203.0.113.6");
    CHECK(change_of(all, "net3") == "=");
    CHECK(change_of(all, "ipconfig0") == "ip=203.0.113.5/32,gw=62.210.0.1");
    CHECK(change_of(all, "ipconfig3") == "=");
    CHECK(change_of(all, "description") ==
          "<!-- failover-ip --><b>net0</b> 203.0.113.5, 203.0.113.6, 2001:db8::6 · MAC 52:54:00:0A:0B:0C · "
          "web1.vm.example.com · gateway 62.210.0.1 · active — <b>net3</b> waiting: the pool public has no free "
          "address<!-- /failover-ip -->");
}

TEST_CASE("tags of ours are those with an IPv4 address") {
    const auto all =
        vm("tags: fip-x;FIP-203.0.113.9;fip-203.0.113.9;fip-1.2.3;fip-2001:db8::1;fip-203.0.113.9\n", appearance({}));
    CHECK(change_of(all, "tags") == "fip-x;FIP-203.0.113.9;fip-1.2.3;fip-2001:db8::1");
    CHECK(change_of(vm("tags: fip-203.0.113.5;fip-203.0.113.5\n", appearance({nic()})), "tags") == "fip-203.0.113.5");
}

TEST_CASE("hostile names and states stay inside our line") {
    auto wanted = appearance({nic()});
    wanted.nics[0].hostname = "a<!-- /failover-ip -->\n# Heading <script>|`x`";
    wanted.nics[0].state = "x\n\n<!-- failover-ip -->**b** [l](javascript:1)\xff";
    const auto description = change_of(vm("#mine\n", wanted), "description");
    CHECK(description.starts_with("mine\n\n<!-- failover-ip --><b>net0</b> "));
    CHECK(with_our_line(description, std::nullopt) == "mine");
    CHECK(description.find('\n', 6) == std::string::npos);
}

TEST_CASE("Notes that cannot go through a command line are left alone") {
    CHECK(change_of(vm("#a%00b\n", appearance({nic()})), "description") == "=");
}
