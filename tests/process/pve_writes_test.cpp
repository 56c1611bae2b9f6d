// What comes of our writes: Proxmox' answers, its locale and its locks, a QEMU that is busy, NICs that leave late.
#include "core/errors.hpp"
#include "pve_lab.hpp"
#include "qmp.hpp"
#include "run_command.hpp"
#include "runtime/system_clock.hpp"
#include "set_config.hpp"
#include "store/sqlite_lease_store.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using proxmox::GuestConfig;
using proxmox::GuestType;
using proxmox::SetResult;

namespace {

constexpr int vmid = 999'999'901;  // nobody's here: its lock is looked for on this machine

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t number = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++number;
    return number;
}

/// Longer than the watcher needs to see a change, and to act on it.
void let_it_look() {
    std::this_thread::sleep_for(4s);
}

/// A variable of our environment, for as long as the object lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_{name} {
        if (const char* before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

/// qm and pct are these lines of shell.
class FakeProxmox {
public:
    explicit FakeProxmox(const std::string& lines) : path_{"PATH", (dir_ / "") + ":" + std::getenv("PATH")} {
        for (const auto* name : {"qm", "pct"}) {
            std::ofstream{dir_ / name} << "#!/bin/sh\n" << lines << "\n";
            std::filesystem::permissions(dir_ / name, std::filesystem::perms{0755});
        }
    }
    [[nodiscard]] static SetResult set(GuestType type = GuestType::vm) {
        return proxmox::set_config(vmid, GuestConfig{type, "net0: virtio\n"}, {{"tags", "fip-192.0.2.1"}}, [] {});
    }
    [[nodiscard]] static std::string refusal() {
        try {
            (void)set();
        } catch (const InputError& wrong) {
            return wrong.what();
        }
        return "";
    }
    [[nodiscard]] std::string file(const std::string& name) const { return dir_ / name; }

private:
    TempDir dir_;
    Variable path_;
};

std::string saying(const std::string& text, int exit_code = 255) {
    return "cat >&2 <<'END'\n" + text + "\nEND\nexit " + std::to_string(exit_code);
}

std::string read_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

PveLab::Options hasty() {
    PveLab::Options options;
    options.interval = "1s";
    options.grace = "1s";
    return options;
}

bool is_running(PveLab& lab, int id) {
    return has(lab.node.qmp(id, R"({"execute":"query-status"})"), R"("status":"running")");
}

void take_out_net0(PveLab& lab, int id, const std::string& folder) {
    auto text = *lab.node.config(id);
    const auto at = text.find("net0: ");
    text.erase(at, text.find('\n', at) + 1 - at);
    lab.node.write("/etc/pve/" + folder + "/" + std::to_string(id) + ".conf", text);
}

/// A client of a VM's monitor: QEMU serves nobody else while the object lives.
class MonitorHolder {
public:
    MonitorHolder(const PveLab& lab, int id) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        lab.node.outside("/run/qemu-server/" + std::to_string(id) + ".qmp").copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        char first = 0;
        REQUIRE(::recv(socket_, &first, 1, 0) == 1);  // of its greeting
    }
    ~MonitorHolder() { ::close(socket_); }
    MonitorHolder(const MonitorHolder&) = delete;
    MonitorHolder& operator=(const MonitorHolder&) = delete;

private:
    int socket_;
};

std::string said_to_qemu(const PveLab& lab) {
    constexpr auto log = "/run/fip-sim-pve-qmp.log";
    return lab.node.exists(log) ? lab.node.read(log) : "";
}

}  // namespace

TEST_CASE("a config that changed meanwhile is no refusal, whatever words Proxmox has for it") {
    for (const auto* words : {"checksum mismatch (file change by other user?)",
                              "detected modified configuration - file changed by other user? Try again.",
                              "Configuration file 'nodes/pve/lxc/200.conf' does not exist", "CT is locked (backup)",
                              "trying to acquire lock...can't lock file '/run/lock/x' - got timeout"}) {
        INFO(words);
        const FakeProxmox proxmox{saying(words)};
        CHECK(FakeProxmox::set(GuestType::container) == SetResult::later);
    }
}

TEST_CASE("a refusal is told in the lines that say why") {
    constexpr auto head = "400 Parameter verification failed.\n";
    constexpr auto usage = "\n\nqm set <vmid> [OPTIONS]";
    const FakeProxmox bad_mac{saying(head +
                                     std::string{"net0: invalid format - format error\n"
                                                 "net0.macaddr: invalid format - value does not look like a "
                                                 "valid unicast MAC address\n"} +
                                     usage)};
    CHECK(FakeProxmox::refusal() ==
          "Proxmox refuses to change it: net0: invalid format - format error; net0.macaddr: invalid format - value "
          "does not look like a valid unicast MAC address");
    const FakeProxmox no_script{
        saying(head + std::string{"hookscript: script 'local:snippets/failover-ip' does not exist"} + usage, 2)};
    CHECK(FakeProxmox::refusal() ==
          "Proxmox refuses to change it: hookscript: script 'local:snippets/failover-ip' does not exist");
    const FakeProxmox other{saying("only root can set 'hookscript' config")};
    CHECK(FakeProxmox::refusal() == "Proxmox refuses to change it: only root can set 'hookscript' config");
}

TEST_CASE("what qm repeats of a guest's Notes is not its answer") {
    const FakeProxmox proxmox{"echo \"update VM: -description got timeout, hotplug problem\"\n" + saying("no")};
    CHECK(FakeProxmox::refusal() == "Proxmox refuses to change it: no");
}

TEST_CASE("Proxmox' programs read their arguments as UTF-8, whatever our own locale is") {
    const Variable c{"LC_ALL", "C"}, lang{"LANG", "de_DE"}, perl{"PERL5OPT", "-Mnone"}, other{"FIP_OTHER", "kept"};
    const FakeProxmox proxmox{"env > \"${0%/*}/environment\""};
    CHECK(FakeProxmox::set() == SetResult::done);
    const auto seen = "\n" + read_text(proxmox.file("environment"));
    CHECK_THAT(seen, Contains("\nLC_ALL=C.UTF-8\n") && Contains("\nFIP_OTHER=kept\n") && Contains("\nPATH="));
    CHECK_FALSE(has(seen, "\nLANG="));
    CHECK_FALSE(has(seen, "\nPERL5OPT="));
    CHECK(count(seen, "\nLC_ALL=") == 1);
}

TEST_CASE("a program that we run may wait until we read what it prints") {
    const auto ran = proxmox::run_command({"grep", "flags", "/proc/self/fdinfo/1"}, 20s);
    INFO(ran.out);
    REQUIRE(ran.out.starts_with("flags:"));
    CHECK((std::stoul(ran.out.substr(6), nullptr, 8) & O_NONBLOCK) == 0);
}

TEST_CASE("a lock that somebody has for reading keeps us out, too") {
    const TempDir dir;
    std::filesystem::create_directories(dir / "qemu-server");
    CHECK_FALSE(proxmox::is_lock_held(100, GuestType::vm, dir / ""));
    const auto path = dir / "qemu-server/lock-100.conf";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    CHECK_FALSE(proxmox::is_lock_held(100, GuestType::vm, dir / ""));
    for (const int how : {LOCK_SH, LOCK_EX}) {
        REQUIRE(::flock(file, how) == 0);
        CHECK(proxmox::is_lock_held(100, GuestType::vm, dir / ""));
        REQUIRE(::flock(file, LOCK_UN) == 0);
    }
    CHECK_FALSE(proxmox::is_lock_held(100, GuestType::vm, dir / ""));
    ::close(file);
}

TEST_CASE("what was refused is tried again when the config has changed") {
    const GuestConfig config{GuestType::vm, "net0: virtio\n"}, changed{GuestType::vm, "net0: virtio\ntags: a\n"};
    const proxmox::ConfigChange tags{"tags", "b"}, other_tags{"tags", "c"}, notes{"description", "d"};
    proxmox::Refusals refusals;
    CHECK(refusals.without(100, config, {tags, notes}).size() == 2);
    refusals.remember(100, config, {tags});
    CHECK(refusals.without(100, config, {tags, notes}) == std::vector{notes});
    CHECK(refusals.without(100, config, {other_tags}).size() == 1);
    CHECK(refusals.without(100, changed, {tags}).size() == 1);
    CHECK(refusals.without(101, config, {tags}).size() == 1);
}

TEST_CASE("whoever finds QEMU's monitor taken waits for a turn") {
    const TempDir dir;
    const auto path = dir / "100.qmp";
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    const auto connected = [&] {
        const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        return client;
    };
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener, 0) == 0);
    const int queued = connected();  // and with it the queue is full
    std::thread qemu{[&] {
        std::this_thread::sleep_for(300ms);
        ::close(::accept(listener, nullptr, nullptr));
        const int client = ::accept(listener, nullptr, nullptr);
        const std::string all = "{\"QMP\":{}}\r\n{\"return\":{}}\r\n{\"return\":{\"status\":\"running\"}}\r\n";
        [[maybe_unused]] const auto n = ::send(client, all.data(), all.size(), MSG_NOSIGNAL);
        std::array<char, 256> part{};
        while (::recv(client, part.data(), part.size(), 0) > 0) {
        }
        ::close(client);
    }};
    std::string status;
    try {
        status = proxmox::Qmp{path, 20s}.status();
    } catch (const proxmox::QmpError& error) {
        status = error.what();
        ::shutdown(listener, SHUT_RDWR);  // so that the thread ends
    }
    CHECK(status == "running");
    qemu.join();
    ::close(queued);
    ::close(listener);
}

TEST_CASE("a person's umlauts stay what they are, and a guest that has them is written once") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.node.must({"env", "LC_ALL=C.UTF-8", "qm", "create", "100", "--name", "web1", "--net0", "virtio,bridge=vmbr0",
                   "--memory", "64", "--description", "für Jürgen ✓"});
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    CHECK_THAT(lab.shown(100), Contains("für Jürgen ✓"));
    const auto before = lab.node.read("/etc/pve/.vmlist");
    let_it_look();
    CHECK(lab.node.read("/etc/pve/.vmlist") == before);
}

TEST_CASE("a running guest keeps the address of a NIC that it has not let go of") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto lease = lab.held_by("web1").at(0);
    const auto stays = [&] {
        let_it_look();
        INFO(lab.story());
        CHECK(lab.held() == 1);
        CHECK(lab.provider.find(lease.address.text())->mac == lease.mac->text());
    };
    lab.node.must({"qm", "start", "100"});

    SECTION("that is to go at its next stop") {
        CHECK(lab.node.run({"qm", "set", "100", "--delete", "net0"}).exit_code == 255);
        REQUIRE(has(*lab.node.config(100), "delete: net0"));
        stays();
        lab.node.must({"qm", "stop", "100"});
        PVE_AWAIT(lab, lab.is_all_given_back());
    }
    SECTION("that a person took out of its file") {
        take_out_net0(lab, 100, "qemu-server");
        stays();
        lab.node.power_off(100);
        PVE_AWAIT(lab, lab.is_all_given_back());
    }
    SECTION("while nobody can ask its QEMU") {
        CHECK(lab.node.run({"qm", "set", "100", "--delete", "net0"}).exit_code == 255);
        const MonitorHolder holder{lab, 100};
        stays();
    }
    SECTION("until QEMU says that it is gone") {
        CHECK(lab.node.run({"qm", "set", "100", "--delete", "net0"}).exit_code == 255);
        lab.node.must({"qm", "reset", "100"});
        PVE_AWAIT(lab, lab.is_all_given_back());
    }
}

TEST_CASE("a running container keeps the address of a NIC that a person took out of its file") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.start_watcher();
    lab.node.must({"pct", "create", "200", "local:vztmpl/x", "--hostname", "ct1", "--net0", "name=eth0,bridge=vmbr0"});
    PVE_AWAIT(lab, lab.is_served(200, "ct1"));
    lab.node.must({"pct", "start", "200"});
    take_out_net0(lab, 200, "lxc");
    let_it_look();
    CHECK(lab.held() == 1);
    lab.node.must({"pct", "stop", "200"});
    PVE_AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("a NIC that came by hot-plug keeps its address until it has left") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    lab.node.must({"qm", "start", "100"});
    lab.node.set_environment("FIP_SIM_PVE_EJECT_MS", "1");
    lab.node.must({"qm", "set", "100", "--net1", "virtio,bridge=vmbr0"});
    PVE_AWAIT(lab, lab.held_by("web1").size() == 2 && lab.held_by("web1").at(1).mac &&
                       lab.mac(100, 1) == lab.held_by("web1").at(1).mac->text());
    lab.node.set_environment("FIP_SIM_PVE_EJECT_MS", "-1");
    CHECK(lab.node.run({"qm", "set", "100", "--delete", "net1"}).exit_code == 255);
    let_it_look();
    CHECK(lab.held() == 2);
    {
        const MonitorHolder holder{lab, 100};
        std::this_thread::sleep_for(8s);  // it waits some time for its turn
        CHECK(lab.held() == 2);
    }
    lab.node.must({"qm", "stop", "100"});
    PVE_AWAIT(lab, lab.held() == 1);
}

TEST_CASE("what Proxmox refuses does not keep out the rest, and is not tried at every look") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.node.write(
        "/run/fake/qm",
        "#!/bin/sh\necho \"$*\" >> /run/fake/calls\ncase \"$*\" in *--tags*)\n"
        "printf '400 Parameter verification failed.\\ntags: not allowed\\n\\nqm set <vmid> [OPTIONS]\\n' >&2\n"
        "exit 255;; esac\nexec /usr/sbin/qm \"$@\"\n",
        true);
    lab.start_watcher({{"PATH", "/run/fake:/sbin:/bin:/usr/sbin:/usr/bin"}});
    lab.create(100, "web1");
    const auto lease_mac = [&] {
        const auto leases = lab.held_by("web1");
        return leases.size() == 1 && leases.at(0).mac ? leases.at(0).mac->text() : std::string{"none"};
    };
    PVE_AWAIT(lab, lab.mac(100) == lease_mac() && has(lab.shown(100), "active"));
    CHECK(lab.node.config_value(100, "tags").empty());
    PVE_AWAIT(lab, has(lab.log(), "tags: not allowed"));
    let_it_look();
    const auto tries = [&] { return count(lab.node.read("/run/fake/calls"), "--tags"); };
    const auto before = tries();
    let_it_look();
    CHECK(tries() == before);
    lab.node.must({"qm", "set", "100", "--onboot", "1"});
    PVE_AWAIT(lab, tries() > before);
}

TEST_CASE("a container that does not take its NIC is told of once, and still shows its address") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.start_watcher();
    lab.node.must({"pct", "create", "200", "local:vztmpl/x", "--hostname", "ct1", "--net0", "name=eth0,bridge=vmbr0"});
    PVE_AWAIT(lab, lab.is_served(200, "ct1"));
    lab.kill_watcher();
    lab.node.must({"pct", "set", "200", "--delete", "tags,description", "--net0",
                   "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:99"});
    lab.node.must({"pct", "start", "200"});
    lab.node.set_environment("FIP_SIM_PVE_LXC_DEVICE", "fails");
    lab.start_watcher();
    PVE_AWAIT(lab, has(lab.log(), "unable to hotplug net0"));
    const auto address = lab.held_by("ct1").at(0).address.text();
    PVE_AWAIT(lab, has(lab.shown(200), address) && has(lab.node.config_value(200, "tags"), "fip-" + address));
    let_it_look();
    CHECK(count(lab.log(), "unable to hotplug net0") == 1);
    lab.node.set_environment("FIP_SIM_PVE_LXC_DEVICE", "");
    lab.node.must({"pct", "stop", "200"});
    lab.node.must({"pct", "start", "200"});
    PVE_AWAIT(lab, lab.is_served(200, "ct1"));
}

TEST_CASE("a guest that a killed watcher left reset in its firmware goes on") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    lab.node.must({"qm", "start", "100"});
    lab.kill_watcher();
    {
        store::SqliteLeaseStore store{lab.store_file(), 5s, store::Access::existing};
        const auto guest = *lab.held_by("web1").at(0).guest;
        const auto process = lab.node.read("/run/qemu-server/100.pid");
        store.write([&](Rows& rows) {
            rows.guests.put({NoteKind::restarting, guest, "", "", "", process, runtime::SystemClock{}.now()});
        });
    }
    (void)lab.node.qmp(100, R"({"execute":"stop"})");
    REQUIRE(has(lab.node.qmp(100, R"({"execute":"query-status"})"), "paused"));
    (void)lab.node.qmp(100, R"({"execute":"system_reset"})");
    REQUIRE(has(lab.node.qmp(100, R"({"execute":"query-status"})"), "prelaunch"));
    lab.start_watcher();
    PVE_AWAIT(lab, is_running(lab, 100) && lab.notes(NoteKind::restarting).empty());
}

TEST_CASE("a guest whose QEMU does not answer when it should be ended is ended soon after") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.addresses.clear();
    for (int i = 1; i <= 12; ++i) options.addresses.push_back("198.51.100." + std::to_string(i));
    options.warm = 8;
    PveLab lab{options};
    lab.start_watcher({{"FIP_SIM_PVE_DELAY_MS", "1000"}});  // of its qm: time to come between pause and end
    bool was_paused = false;
    for (int id = 100; id < 108 && !was_paused; ++id) {  // a busy machine may be too late for some
        lab.node.must({"sh", "-c",
                       "qm create " + std::to_string(id) + " --name web" + std::to_string(id) +
                           " --net0 virtio,bridge=vmbr0 --memory 64 && qm start " + std::to_string(id)});
        was_paused = wait_until([&] { return has(said_to_qemu(lab), "stop\n"); }, 5s);
        if (!was_paused) continue;
        {
            const MonitorHolder holder{lab, id};
            std::this_thread::sleep_for(5s);
            CHECK_FALSE(lab.notes(NoteKind::restarting).empty());
        }
        PVE_AWAIT(lab, is_running(lab, id) && lab.notes(NoteKind::restarting).empty());
    }
    CHECK(was_paused);
}

TEST_CASE("a guest whose lock somebody has is not paused") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.node.put_snippet("slow", "#!/bin/sh\n[ $2 = post-start ] && sleep 5; exit 0\n");
    lab.start_watcher();
    lab.node.must({"sh", "-c",
                   "qm create 100 --name web1 --net0 virtio,bridge=vmbr0 --memory 64 "
                   "--hookscript local:snippets/slow && qm start 100"});
    PVE_AWAIT(lab, has(lab.shown(100), "active"));
    const auto said = said_to_qemu(lab);
    CAPTURE(said);
    CHECK_FALSE(has(said, "stop\n"));
}
