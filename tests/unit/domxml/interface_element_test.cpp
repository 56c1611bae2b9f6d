#include "domxml/interface_element.hpp"
#include "core/errors.hpp"
#include "domxml/read_domain.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace fip;
using domxml::interface_with_mac;
using domxml::read_domain;

namespace {

const Mac wanted = Mac::parse("52:54:00:0a:0b:0c");

std::string domain(const std::string& machine, const std::string& features, const std::string& devices) {
    return "<domain type='kvm'><name>web</name><os><type machine='" + machine + "'>hvm</type></os><features>" +
           features + "</features><devices>" + devices + "</devices></domain>";
}

std::string address(const std::string& bus, const std::string& slot, const std::string& function = "0x0") {
    return "<address type='pci' domain='0x0000' bus='" + bus + "' slot='" + slot + "' function='" + function + "'/>";
}

std::string nic(const std::string& inside) {
    return "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>" + inside +
           "</interface>";
}

bool can_unplug(const std::string& machine, const std::string& features, const std::string& devices) {
    return read_domain(domain(machine, features, devices)).guest.nics.at(0).can_unplug;
}

std::string swapped(const std::string& interface) {
    const auto xml = domain("pc", "<acpi/>", interface);
    return interface_with_mac(xml, read_domain(xml).guest.nics.at(0), wanted);
}

/// The domain files of libvirt's own test suite, where they are; see tests/golden/libvirt_domains_test.cpp.
std::vector<std::filesystem::path> libvirt_domains() {
    const char* const given = std::getenv("FIP_SHARED_DATA");
    const auto folder = std::filesystem::path{given != nullptr ? given : FIP_DEFAULT_DATA} / "libvirt-domains";
    std::vector<std::filesystem::path> files;
    if (!std::filesystem::is_directory(folder)) return files;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        if (entry.path().extension() == ".xml") files.push_back(entry.path());
    }
    return files;
}

}  // namespace

TEST_CASE("a NIC's place on the bus is read, and is the text that people know") {
    const auto place = [](const std::string& inside) {
        return read_domain(domain("pc", "", nic(inside))).guest.nics.at(0).place;
    };
    CHECK(place(address("0x00", "0x03")) == "0000:00:03.0");
    CHECK(place(address("0x1a", "0x1F", "0x7")) == "0000:1a:1f.7");
    CHECK(place("<address type='pci' bus='16' slot='2'/>") == "0000:10:02.0");
    CHECK(place("") == "");
    CHECK(place("<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>") == "");
    CHECK(place("<address type='virtio-mmio'/>") == "");
    for (const std::string wrong : {"0x100", "x", "", "1 ", "0x", "-1"}) CHECK(place(address(wrong, "0x01")) == "");
    CHECK(place(address("0x00", "0x20")) == "");
    CHECK(place(address("0x00", "0x01", "8")) == "");
}

TEST_CASE("which NIC can be unplugged while its guest runs") {
    const auto root = nic(address("0x00", "0x03"));
    const auto behind = nic(address("0x01", "0x00"));
    for (const std::string pc : {"pc", "pc-i440fx-7.2", "pc-0.12", "pc-1.0"}) {
        CHECK(can_unplug(pc, "<acpi/><apic/>", root));
        CHECK_FALSE(can_unplug(pc, "<apic/>", root));
    }
    for (const std::string other : {"q35", "pc-q35-7.2", "virt-7.2", "pseries"}) {
        CHECK(can_unplug(other, "<acpi/>", behind));
        CHECK_FALSE(can_unplug(other, "<acpi/>", root));
    }
    CHECK_FALSE(can_unplug("pc", "<acpi/>", nic("")));
    CHECK_FALSE(can_unplug("s390-ccw-virtio-7.2", "", nic("<address type='ccw' cssid='0xfe' ssid='0' devno='1'/>")));

    SECTION("one of several functions of a slot cannot: the others would go with it") {
        CHECK_FALSE(can_unplug("pc", "<acpi/>", nic(address("0x00", "0x03", "0x1"))));
        CHECK_FALSE(can_unplug("pc", "<acpi/>", root + "<sound model='es1370'>" + address("0", "3", "1") + "</sound>"));
        CHECK(can_unplug("pc", "<acpi/>", root + "<sound model='es1370'>" + address("0", "4", "1") + "</sound>"));
        // The address of the host's device is not one of the guest's.
        CHECK(can_unplug(
            "pc", "<acpi/>",
            root + "<hostdev><source>" + address("0", "3", "1") + "</source>" + address("0", "5") + "</hostdev>"));
    }
    SECTION("nor one behind a port that a person has closed for that") {
        const auto port = [](const std::string& index) {
            return "<controller type='pci' index='" + index +
                   "' model='pcie-root-port'><target chassis='1' port='0x8' hotplug='off'/></controller>";
        };
        CHECK_FALSE(can_unplug("q35", "<acpi/>", port("1") + behind));
        CHECK_FALSE(can_unplug("q35", "<acpi/>", behind + port("1")));
        CHECK(can_unplug("q35", "<acpi/>", port("2") + behind));
    }
    SECTION("nor one that QEMU takes at the start only") {
        const auto place = address("0x00", "0x03");
        CHECK_FALSE(can_unplug("pc", "<acpi/>", nic("<rom bar='off'/>" + place)));
        CHECK_FALSE(can_unplug("pc", "<acpi/>", nic(place + "<rom bar='off' file='/etc/fake/bios.bin'/>")));
        CHECK(can_unplug("pc", "<acpi/>", nic("<rom bar='on'/>" + place)));
        CHECK(can_unplug("pc", "<acpi/>", nic("<rom enabled='no'/>" + place)));
        CHECK(can_unplug("pc", "<acpi/>", nic(place) + nic("<rom bar='off'/>" + address("0x00", "0x04"))));
    }
}

TEST_CASE("an interface is plugged in again as it was, with another MAC") {
    CHECK(swapped("<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
                  "<target dev='vnet3'/><model type='e1000e'/><boot order='1'/><alias name='net0'/>" +
                  address("0x00", "0x03") + "</interface>") ==
          "<interface type=\"bridge\"><mac address=\"52:54:00:0a:0b:0c\"/><source bridge=\"br0\"/>"
          "<model type=\"e1000e\"/><boot order=\"1\"/>"
          "<address type=\"pci\" domain=\"0x0000\" bus=\"0x00\" slot=\"0x03\" function=\"0x0\"/></interface>");

    SECTION("what a network was resolved to is left to libvirt again") {
        CHECK(swapped("<interface type='bridge'><mac address='52:54:00:00:00:01'/>"
                      "<source network='public' portgroup='web' portid='4aaf82fd-72f0-4842-98d3-6dcf05b2c7ff' "
                      "bridge='br0'/></interface>") ==
              "<interface type=\"network\"><mac address=\"52:54:00:0a:0b:0c\"/>"
              "<source network=\"public\" portgroup=\"web\"/></interface>");
        CHECK(swapped("<interface type='direct'><mac address='52:54:00:00:00:01'/>"
                      "<source network='public' portid='4aaf82fd-72f0-4842-98d3-6dcf05b2c7ff' dev='eno1' "
                      "mode='bridge'/><target dev='macvtap0'/></interface>") ==
              "<interface type=\"network\"><mac address=\"52:54:00:0a:0b:0c\"/>"
              "<source network=\"public\"/></interface>");
    }
    SECTION("one that is direct by itself stays so") {
        CHECK(swapped("<interface type='direct'><mac address='52:54:00:00:00:01'/><source dev='eno1' mode='bridge'/>"
                      "</interface>")
                  .find("<source dev=\"eno1\" mode=\"bridge\"/>") != std::string::npos);
    }
    SECTION("names that a person chose stay") {
        const auto text = swapped(
            "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
            "<target dev='web-outside'/><alias name='ua-web'/></interface>");
        CHECK(text.find("<target dev=\"web-outside\"/>") != std::string::npos);
        CHECK(text.find("<alias name=\"ua-web\"/>") != std::string::npos);
    }
    SECTION("another NIC than the one that was seen is refused") {
        const auto xml = domain("pc", "", nic(address("0x00", "0x03")));
        auto seen = read_domain(xml).guest.nics.at(0);
        seen.mac = wanted;
        CHECK_THROWS_AS(interface_with_mac(xml, seen, wanted), InputError);
        seen = read_domain(xml).guest.nics.at(0);
        seen.place = "0000:00:04.0";
        CHECK_THROWS_AS(interface_with_mac(xml, seen, wanted), InputError);
        seen.index = 1;
        CHECK_THROWS_AS(interface_with_mac(xml, seen, wanted), InputError);
    }
}

TEST_CASE("every NIC of libvirt's own domains is plugged in again as it was") {
    for (const auto& file : libvirt_domains()) {
        INFO(file);
        std::ifstream in{file, std::ios::binary};
        const std::string xml{std::istreambuf_iterator<char>{in}, {}};
        if (file.filename().string().starts_with("qemustatus") || file.filename().string().starts_with("qemumigration"))
            continue;  // no domains
        for (const auto& before : read_domain(xml).guest.nics) {
            if (!before.mac) continue;
            const auto wrapped = "<domain><devices>" + interface_with_mac(xml, before, wanted) + "</devices></domain>";
            auto after = read_domain(wrapped).guest.nics.at(0);
            CHECK(after.mac == wanted);
            CHECK(after.model == before.model);
            CHECK(after.place == before.place);
            CHECK(after.is_tagged == before.is_tagged);
            CHECK((after.type == before.type || after.type == NicType::network));
            if (after.type != NicType::network) CHECK(after.bridge == before.bridge);
            CHECK(after.network == before.network);
            // Once more there is nothing left to be changed.
            CHECK("<domain><devices>" + interface_with_mac(wrapped, after, wanted) + "</devices></domain>" == wrapped);
        }
    }
}
