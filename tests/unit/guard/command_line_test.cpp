// Names of guests and containers, as their programs' command lines and control groups have them.
#include "guard/command_line.hpp"

#include <catch2/catch.hpp>

using namespace fip::guard;

namespace {
using Words = std::vector<std::string>;
const std::string id(64, 'a');
}  // namespace

TEST_CASE("a QEMU's guest is the name that it was given") {
    CHECK(qemu_guest({"/usr/bin/qemu-system-x86_64", "-name", "guest=web1,debug-threads=on"}) == "web1");
    CHECK(qemu_guest({"/usr/bin/kvm", "-id", "101", "-name", "mail,debug-threads=on"}) == "mail");
    CHECK(qemu_guest({"/usr/libexec/qemu-kvm", "-name", "debug-threads=on,guest=a,,b"}) == "a,b");
    CHECK(qemu_guest({"qemu-system-x86_64", "-name", "debug-threads=on"}) == "");
    CHECK(qemu_guest({"qemu-system-x86_64", "-name"}) == "");
    CHECK(qemu_guest({"qemu-system-x86_64"}) == "");
    CHECK_FALSE(qemu_guest({"/usr/sbin/openvpn", "-name", "guest=web1"}));
    CHECK_FALSE(qemu_guest({}));
}

TEST_CASE("a QEMU's interface is found by its tap or its descriptor") {
    const Words libvirt{"qemu-system-x86_64", "-netdev", R"({"type":"tap","fd":"33","vhost":true,"id":"hostnet1"})",
                        "-netdev", R"({"type":"tap","fd":"35","id":"hostnet2"})"};
    CHECK(qemu_nic(libvirt, "vnet1", "33") == "net1");
    CHECK(qemu_nic(libvirt, "vnet2", "35") == "net2");
    CHECK(qemu_nic(libvirt, "vnet2", "36").empty());
    CHECK(qemu_nic(libvirt, "vnet2", "").empty());
    const Words proxmox{"kvm", "-netdev",
                        "type=tap,id=net0,ifname=tap101i0,script=/usr/libexec/qemu-server/pve-bridge"};
    CHECK(qemu_nic(proxmox, "tap101i0", "20") == "net0");
    CHECK(qemu_nic(proxmox, "tap101i1", "20").empty());
    CHECK(qemu_nic({"kvm", "-netdev"}, "tap0", "3").empty());
    CHECK(qemu_nic({"kvm", "-netdev", "{\"cut"}, "tap0", "3").empty());
    CHECK(qemu_nic({"kvm", "-netdev", R"({"fd":3,"id":[]})"}, "tap0", "3").empty());
}

TEST_CASE("a container is found in its control group") {
    using Name = ContainerName;
    CHECK(container_of("0::/system.slice/docker-" + id + ".scope\n") == Name{"aaaaaaaaaaaa", "docker"});
    CHECK(container_of("12:pids:/docker/" + id + "\n11:cpu:/\n") == Name{"aaaaaaaaaaaa", "docker"});
    CHECK(container_of("0::/machine.slice/libpod-" + id + ".scope/container\n") == Name{"aaaaaaaaaaaa", "podman"});
    CHECK(container_of("0::/kubepods/burstable/pod12345/" + id) == Name{"aaaaaaaaaaaa", "kubernetes"});
    CHECK(container_of("0::/lxc.payload.web1/init.scope\n") == Name{"web1", "lxc"});
    CHECK(container_of("0::/lxc/101/ns/init.scope\n") == Name{"101", "lxc"});
    CHECK(container_of("0::/machine.slice/machine-lxc\\x2d1234\\x2dmy\\x2dshop.scope/libvirt\n") ==
          Name{"my-shop", "libvirt"});
    CHECK(container_of("0::/machine.slice/machine-deb12.scope/payload\n") == Name{"deb12", "nspawn"});
    CHECK_FALSE(container_of("0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator\n"));
    CHECK_FALSE(container_of("0::/user.slice/user-0.slice/session-1.scope\n"));
    CHECK_FALSE(container_of("0::/system.slice/docker-short.scope\n"));
    CHECK_FALSE(container_of("0::/"));
    CHECK_FALSE(container_of(""));
}
