// Bonds and VLANs on a made-up tree: not every kernel has them.
#include "guard/bridges.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.hpp"

using namespace fip;
using fip::test::TempDir;
namespace fs = std::filesystem;

namespace {

class Tree {
public:
    void device(const std::string& name, const std::string& mac) {
        fs::create_directories(net(name));
        std::ofstream{net(name) / "address"} << mac << "\n";
        std::ofstream{net(name) / "uevent"} << "INTERFACE=" << name << "\n";
    }
    void vlan(const std::string& name, const std::string& lower, const std::string& mac) {
        device(name, mac);
        std::ofstream{net(name) / "uevent"} << "DEVTYPE=vlan\nINTERFACE=" << name << "\n";
        fs::create_directory_symlink("../" + lower, net(name) / ("lower_" + lower));
    }
    void bridge(const std::string& name, const std::string& mac, const std::vector<std::string>& ports) {
        device(name, mac);
        fs::create_directories(net(name) / "bridge");
        fs::create_directories(net(name) / "brif");
        for (const auto& port : ports)
            fs::create_directory_symlink("../../" + port + "/brport", net(name) / "brif" / port);
    }
    [[nodiscard]] fs::path net(const std::string& name) const { return sys() / "class/net" / name; }
    [[nodiscard]] fs::path sys() const { return dir_.path(); }

private:
    TempDir dir_;
};

}  // namespace

TEST_CASE("hardware, bonds and VLANs on them are uplinks, other ports are not") {
    Tree tree;
    tree.device("eno1", "02:00:00:00:00:01");
    fs::create_directory_symlink("../../pci0", tree.net("eno1") / "device");
    fs::create_directories(tree.net("eno1").parent_path().parent_path() / "pci0");
    tree.device("bond0", "02:00:00:00:00:02");
    fs::create_directories(tree.net("bond0") / "bonding");
    tree.vlan("bond0.7", "bond0", "02:00:00:00:00:03");
    tree.vlan("bond0.7.8", "bond0.7", "02:00:00:00:00:04");
    tree.device("veth1", "02:00:00:00:00:05");
    tree.vlan("veth1.9", "veth1", "02:00:00:00:00:06");
    tree.vlan("loop", "loop", "02:00:00:00:00:07");
    tree.device("tun0", "");
    tree.bridge("br0", "02:00:00:00:00:01",
                {"eno1", "bond0", "bond0.7", "bond0.7.8", "veth1", "veth1.9", "loop", "tun0", "gone"});

    const auto bridges = guard::read_bridges(tree.sys(), {"br0", "br0"});
    REQUIRE(bridges.size() == 1);
    std::string text;
    for (const auto& port : bridges[0].ports) {
        text += port.name + (port.is_uplink ? "+ " : "- ") + (port.own_mac ? port.own_mac->text().substr(15) : "none") +
                " ";
    }
    CHECK(text == "bond0+ 02 bond0.7+ 03 bond0.7.8+ 04 eno1+ 01 gone- none loop- 07 tun0- none veth1- 05 veth1.9- 06 ");
}

TEST_CASE("what is no bridge is left out") {
    Tree tree;
    tree.device("eno1", "02:00:00:00:00:01");
    CHECK(guard::read_bridges(tree.sys(), {"eno1", "nothing", ""}).empty());
    CHECK(guard::read_bridges(tree.sys() / "no", {"eno1"}).empty());
}
