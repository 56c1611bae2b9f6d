#include "nic_line.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::proxmox;

namespace {

const Mac wanted = Mac::parse("52:54:00:0a:0b:0c");

ConfigNic vm(std::string_view net) {
    return read_nic(GuestType::vm, 0, net);
}

ConfigNic container(std::string_view net) {
    return read_nic(GuestType::container, 0, net);
}

std::string vm_with(std::string_view net) {
    return with_mac(GuestType::vm, net, wanted);
}

std::string container_with(std::string_view net) {
    return with_mac(GuestType::container, net, wanted);
}

}  // namespace

TEST_CASE("every model is read and gets another MAC, in every form") {
    for (const std::string model :
         {"e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
          "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3", "not-known-yet"}) {
        INFO(model);
        const std::string mac = "bc:24:11:00:00:01";
        CHECK(vm(model + "=" + mac + ",bridge=vmbr0") == ConfigNic{0, "vmbr0", Mac::parse(mac), model, false});
        CHECK(vm("firewall=1,bridge=vmbr0,tag=7," + model + "=" + mac) ==
              ConfigNic{0, "vmbr0", Mac::parse(mac), model, true});
        CHECK(vm("bridge=vmbr0,macaddr=" + mac + ",model=" + model) ==
              ConfigNic{0, "vmbr0", Mac::parse(mac), model, false});
        CHECK(vm(model + ",bridge=vmbr0") == ConfigNic{0, "vmbr0", {}, model, false});

        CHECK(vm_with(model + "=" + mac + ",bridge=vmbr0") == model + "=52:54:00:0A:0B:0C,bridge=vmbr0");
        CHECK(vm_with("bridge=vmbr0," + model + "=" + mac) == "bridge=vmbr0," + model + "=52:54:00:0A:0B:0C");
        CHECK(vm_with("bridge=vmbr0,macaddr=" + mac + ",model=" + model) ==
              "bridge=vmbr0,macaddr=52:54:00:0A:0B:0C,model=" + model);
        CHECK(vm_with(model + ",bridge=vmbr0") == model + "=52:54:00:0A:0B:0C,bridge=vmbr0");
        CHECK(vm_with("model=" + model + ",bridge=vmbr0") ==
              "model=" + model + ",macaddr=52:54:00:0A:0B:0C,bridge=vmbr0");
    }
}

TEST_CASE("a MAC that is right keeps its letters") {
    for (const std::string net : {"virtio=52:54:00:0a:0b:0c,bridge=vmbr0", "virtio=52:54:00:0A:0b:0C,bridge=vmbr0",
                                  "bridge=vmbr0,macaddr=52:54:00:0a:0B:0c,model=e1000"}) {
        CHECK(vm_with(net) == net);
    }
    CHECK(container_with("name=eth0,hwaddr=52:54:00:0a:0b:0c") == "name=eth0,hwaddr=52:54:00:0a:0b:0c");
}

TEST_CASE("a MAC that Proxmox does not take is absent, and is replaced where it stands") {
    for (const std::string bad : {"53:54:00:11:22:33", "00:00:00:00:00:00", "52:54:00:11:22", "52-54-00-11-22-33", "x",
                                  "52:54:00:11:22:33 ", ""}) {
        INFO(bad);
        CHECK(vm("virtio=" + bad + ",bridge=vmbr0").mac == std::nullopt);
        CHECK(vm("virtio=" + bad + ",bridge=vmbr0").model == "virtio");
        CHECK(vm_with("virtio=" + bad + ",bridge=vmbr0") == "virtio=52:54:00:0A:0B:0C,bridge=vmbr0");
        CHECK(vm_with("macaddr=" + bad + ",model=e1000") == "macaddr=52:54:00:0A:0B:0C,model=e1000");
        CHECK(container("hwaddr=" + bad + ",bridge=vmbr0").mac == std::nullopt);
        CHECK(container_with("hwaddr=" + bad + ",bridge=vmbr0") == "hwaddr=52:54:00:0A:0B:0C,bridge=vmbr0");
    }
}

TEST_CASE("nothing but the MAC changes, known or not") {
    CHECK(vm_with("virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=on,host-tunnel=1,link_down=1,mtu=,queues=4,rate=12.5,"
                  "trunks=5;7;10-20,new=a=b,,") ==
          "virtio=52:54:00:0A:0B:0C,bridge=vmbr0,firewall=on,host-tunnel=1,link_down=1,mtu=,queues=4,rate=12.5,"
          "trunks=5;7;10-20,new=a=b,,");
    CHECK(container_with("type=veth,hwaddr=BC:24:11:00:00:01,name=eth0,ip=203.0.113.6/32,host-managed=1") ==
          "type=veth,hwaddr=52:54:00:0A:0B:0C,name=eth0,ip=203.0.113.6/32,host-managed=1");
    CHECK(container_with("name=eth0,bridge=vmbr0") == "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:0B:0C");
}

TEST_CASE("a NIC without a model gets the MAC no less") {
    for (const std::string net : {"", "bridge=vmbr0", ",", "=", "tag=1"}) {
        INFO(net);
        CHECK(vm(vm_with(net)).mac == wanted);
        CHECK(container(container_with(net)).mac == wanted);
    }
}

TEST_CASE("a container's NIC is a veth") {
    CHECK(container("name=eth0,bridge=vmbr1,firewall=yes,hwaddr=BC:24:11:12:34:56,ip=dhcp,tag=5,type=veth") ==
          ConfigNic{0, "vmbr1", Mac::parse("bc:24:11:12:34:56"), "veth", true});
    CHECK(container("name=eth0,virtio=BC:24:11:12:34:56").mac == std::nullopt);
}
