// Guests that are started without a define before it, on a server that is set up as the README says. Each prints the
// MACs that it sees: only the virtual one may be among them, and no frame with another one may leave.
#include "lab/libvirt/late_lab.hpp"
#include "lab/preload.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>

using namespace fip;
using namespace fip::test;

namespace {

constexpr auto out_of_addresses = "the pool \"public\" has no free address";

std::string between(const std::string& text, const std::string& opening, const std::string& closing) {
    const auto begin = text.find(opening) + opening.size();
    return text.substr(begin, text.find(closing, begin) - begin);
}

/// As a person types it: no word about MACs, nor about us.
Result virt_install(GuardLab& lab) {
    const auto xml = domain_xml(late_guest());
    std::ofstream{lab.lab.host.path("/run/web1.img")} << std::string(1 << 20, '\0');
    Command command{{"virt-install",
                     "--connect",
                     "qemu:///system",
                     "--import",
                     "--name",
                     "web1",
                     "--memory",
                     "128",
                     "--virt-type",
                     "qemu",
                     "--osinfo",
                     "debian10",
                     "--disk",
                     "/run/web1.img,format=raw",
                     "--network",
                     "bridge=br0",
                     "--graphics",
                     "none",
                     "--noautoconsole",
                     "--boot",
                     "kernel=" + between(xml, "<kernel>", "</kernel>") + ",initrd=" +
                         between(xml, "<initrd>", "</initrd>") + ",kernel_args=console=ttyS0 quiet panic=-1",
                     "--serial",
                     "file,path=/var/log/libvirt/web1.console"}};
    command.environment = {{"HOME", "/run"}, {"XDG_CACHE_HOME", "/run/cache"}};
    return lab.lab.host.exec(std::move(command));
}

/// Terraform, Ansible and their like: one process, one connection, nobody comes in between.
Result define_and_create(GuardLab& lab) {
    const auto xml = domain_xml(late_guest());
    const std::string python = "/usr/bin/python3";
    if (lab.lab.host.exec({python, "-c", "import libvirt"}).exit_code == 0) {
        return lab.lab.host.exec({python, "-c",
                                  "import libvirt, sys\n"
                                  "libvirt.open('qemu:///system').defineXML(sys.stdin.read()).create()"},
                                 xml);
    }
    WARN("SKIPPED: no python3-libvirt here; virsh defines and starts in one process instead");
    lab.lab.host.write("/run/web1.xml", xml);
    return lab.lab.host.virsh({"define /run/web1.xml; start web1"});
}

struct Creates {
    int good = 0;
    std::vector<std::string> refusals{};
};

/// "web1" to "webN" at once, each by a process of its own.
Creates create_at_once(GuardLab& lab, const std::vector<std::string>& xml) {
    std::vector<Process> clients;
    const auto file = [](std::size_t i) { return "/run/web" + std::to_string(i + 1) + ".xml"; };
    for (std::size_t i = 0; i < xml.size(); ++i) lab.lab.host.write(file(i), xml[i]);
    for (std::size_t i = 0; i < xml.size(); ++i) {
        clients.push_back(lab.lab.host.spawn({"virsh", "-q", "-c", "qemu:///system", "create", file(i)}));
    }
    Creates all;
    for (auto& client : clients) {
        const auto done = client.wait(60s);
        REQUIRE(done);
        if (done->exit_code == 0) {
            ++all.good;
        } else {
            all.refusals.push_back(done->err);
        }
    }
    return all;
}

std::string own_wrong_mac(int number) {
    return "52:54:00:00:00:" + std::to_string(10 + number);
}

/// Linux guests: two cores boot only few of them in time without KVM.
std::vector<std::string> systems(int guests) {
    std::vector<std::string> xml;
    for (int i = 1; i <= guests; ++i) {
        auto guest = late_guest(i);
        guest.nics.at(0).mac = own_wrong_mac(i);
        xml.push_back(domain_xml(guest));
    }
    return xml;
}

std::vector<std::string> idle_guests(int guests) {
    std::vector<std::string> xml;
    for (int i = 1; i <= guests; ++i) {
        xml.push_back(IdleGuest{"web" + std::to_string(i), numbered_uuid(i), {bridge_nic(own_wrong_mac(i))}}.xml());
    }
    return xml;
}

/// "..., 123 ms after its start", of every swap in the log.
std::vector<int> swap_times(const std::string& log) {
    std::vector<int> times;
    const std::string closing = " ms after its start";
    for (auto end = log.find(closing); end != log.npos; end = log.find(closing, end + 1)) {
        const auto begin = log.rfind(' ', end - 1) + 1;
        times.push_back(std::stoi(log.substr(begin, end - begin)));
    }
    return times;
}

}  // namespace

TEST_CASE("whatever tool starts a guest, it comes up with its virtual MAC", "[lab]") {
    GuardLab lab{installed()};
    lab.start_daemon();

    SECTION("virt-install --import") {
        const auto done = virt_install(lab);
        INFO(done.out << done.err);
        REQUIRE(done.exit_code == 0);
        check_late_boot(lab, "web1");
        AWAIT(lab, lab.lab.is_served("web1"));
        lab.lab.host.destroy("web1");
        lab.lab.host.start("web1");
        CHECK(lab.lab.is_right("web1"));
    }
    SECTION("virsh create") {
        const auto done = try_create(lab, late_guest());
        INFO(done.err);
        REQUIRE(done.exit_code == 0);
        check_late_boot(lab, "web1");
        check_reaches_gateway(lab, "web1", lab.lease_of("web1"));
        lab.lab.host.destroy("web1");
        AWAIT(lab, lab.lab.is_all_given_back());
    }
    SECTION("virsh create --paused") {
        REQUIRE(try_create(lab, late_guest(), {"--paused"}).exit_code == 0);
        AWAIT(lab, lab.lab.log().find("nic-swapped") != std::string::npos);
        CHECK(lab.lab.host.state("web1") == "paused");
        REQUIRE(lab.lab.host.virsh({"resume", "web1"}).exit_code == 0);
        check_late_boot(lab, "web1");
    }
    SECTION("a program that defines and creates in one breath") {
        const auto done = define_and_create(lab);
        INFO(done.err);
        REQUIRE(done.exit_code == 0);
        check_late_boot(lab, "web1");
        AWAIT(lab, lab.lab.is_served("web1"));
        check_reaches_gateway(lab, "web1", lab.lease_of("web1"));
        lab.lab.host.destroy("web1");
        lab.lab.host.start("web1");
        CHECK(lab.lab.is_right("web1"));
    }
}

TEST_CASE("of twenty creates at once each guest comes up right, or is refused or held with a word", "[lab]") {
    constexpr int guests = 20;
    GuardLab lab{installed(guests + 2, 2)};
    lab.start_daemon();
    const auto created = create_at_once(lab, idle_guests(guests));
    for (const auto& refusal : created.refusals) {
        INFO(refusal);
        CHECK(refusal.find("failover-ip: web") != std::string::npos);
    }
    int held = 0;
    for (const auto& guest : lab.lab.host.guests()) {
        const auto is_held = [&] { return lab.lab.log().find("guest-held: " + guest + ":") != std::string::npos; };
        AWAIT(lab, lab.lab.is_right(guest) || is_held());
        held += lab.lab.is_right(guest) ? 0 : 1;
    }
    // Twenty firmwares without KVM leave the daemon little of two cores: whose turn comes after its firmware's two
    // seconds is held, and one that the daemon does not answer in time is refused. On an idle machine all are right.
    CHECK(created.good - held > 0);
    CHECK(static_cast<int>(lab.lab.held()) >= created.good);  // a refused one may keep its claim for a minute
    AWAIT(lab, !lab.lab.has_swap_notes());
    lab.require_clean_wire();
    const auto times = swap_times(lab.lab.log());
    REQUIRE_FALSE(times.empty());
    std::cout << created.good << " of " << guests << " at once: " << created.good - held << " right, the last after "
              << *std::ranges::max_element(times) << " ms\n";
}

TEST_CASE("of twenty creates on two free addresses two run, and the others leave nothing behind", "[lab]") {
    constexpr int guests = 20;
    GuardLab lab{installed(2, 2)};
    lab.start_daemon();
    const auto created = create_at_once(lab, systems(guests));
    CHECK(created.good == 2);
    CHECK(created.refusals.size() == guests - 2);
    for (const auto& refusal : created.refusals) {
        INFO(refusal);
        CHECK(refusal.find(out_of_addresses) != std::string::npos);
    }
    const auto running = lab.lab.host.guests();
    REQUIRE(running.size() == 2);
    for (const auto& guest : running) check_late_boot(lab, guest);
    CHECK(lab.lab.held() == 2);
    CHECK(lab.lab.notes(NoteKind::waiting).empty());
    CHECK(lab.lab.notes(NoteKind::claimed).size() <= 2);
    for (const auto& guest : running) lab.lab.host.destroy(guest);
    AWAIT(lab, lab.lab.is_all_given_back());
    // A minute is not over, and nobody of the eighteen took what became free.
    CHECK(lab.lab.notes(NoteKind::waiting).empty());
    CHECK(lab.lab.held() == 0);
}

TEST_CASE("what a start claimed that came to nothing is its next try's, or nobody's after a minute", "[lab]") {
    GuardLab lab{installed(3, 2)};
    const auto clock = lab.lab.host.folder() + "/clock";
    std::ofstream{clock} << "0 0";
    lab.lab.start_daemon(preload(Preload::clock_shift, {{"FIP_CLOCK_FILE", clock}}));
    // QEMU itself refuses it: libvirt has been through all of its own checks then.
    std::ofstream{lab.lab.host.path("/run/broken.img")} << std::string(4096, 'x');
    auto guest = late_guest();
    auto xml = domain_xml(guest);
    const std::string disk =
        "<disk type='file' device='disk'><driver name='qemu' type='vmdk'/><source file='/run/broken.img'/>"
        "<target dev='vda' bus='virtio'/></disk>";
    xml.insert(xml.find("<interface"), disk);
    const auto create = [&] { return lab.lab.host.exec({"virsh", "-q", "create", "/dev/stdin"}, xml); };
    const auto failed = create();
    INFO(failed.err);
    REQUIRE(failed.exit_code != 0);
    REQUIRE(failed.err.find("Hook") == std::string::npos);
    REQUIRE(lab.lab.held() == 1);
    const auto claimed = lab.lease_of("web1");
    CHECK(lab.lab.notes(NoteKind::claimed).size() == 1);

    SECTION("tried again under another UUID it gets the same address") {
        REQUIRE(create().exit_code != 0);
        guest.uuid = numbered_uuid(2);
        REQUIRE(try_create(lab, guest).exit_code == 0);
        check_late_boot(lab, "web1");
        CHECK(lab.lease_of("web1").address == claimed.address);
        CHECK(lab.lease_of("web1").mac == claimed.mac);
        CHECK(lab.lab.held() == 1);
        // And it is not taken for a claim any more when its minute is over.
        std::ofstream{clock} << "0 61";
        lab.lab.reload();
        AWAIT(lab, lab.lab.notes(NoteKind::claimed).empty());
        CHECK(lab.lab.is_right("web1"));
    }
    SECTION("after a minute it is free again") {
        std::ofstream{clock} << "0 50";
        lab.lab.reload();
        AWAIT(lab, lab.lab.log().find("reloaded") != std::string::npos);
        CHECK(lab.lab.held() == 1);
        std::ofstream{clock} << "0 61";
        lab.lab.reload();
        AWAIT(lab, lab.lab.held() == 0);
        AWAIT(lab, lab.lab.is_all_given_back());
        check_nobody_claims(lab);
    }
}

TEST_CASE("five late starts, one after the other: how long it takes until the NIC is right", "[lab]") {
    GuardLab lab{installed()};
    lab.start_daemon();
    constexpr std::size_t rounds = 5;
    for (std::size_t i = 1; i <= rounds; ++i) {
        REQUIRE(try_create(lab, late_guest()).exit_code == 0);
        AWAIT(lab, swap_times(lab.lab.log()).size() == i && lab.lab.is_right("web1"));
        lab.lab.host.destroy("web1");
        AWAIT(lab, lab.lab.is_all_given_back());
    }
    auto times = swap_times(lab.lab.log());
    std::ranges::sort(times);
    std::cout << "STARTED -> right NIC: median " << times.at(rounds / 2) << " ms, worst " << times.back() << " ms\n";
    // 300 ms are asked of an idle machine. One that works on other things too must still be far from the firmware's
    // end.
    CHECK(times.at(rounds / 2) < 900);
    lab.require_clean_wire();
}
