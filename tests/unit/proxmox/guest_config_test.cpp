#include "guest_config.hpp"

#include "core/errors.hpp"
#include "sample_configs.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::proxmox;

namespace {

GuestConfig vm(std::string text) {
    return {GuestType::vm, std::move(text)};
}

GuestConfig container(std::string text) {
    return {GuestType::container, std::move(text)};
}

using Tags = std::vector<std::string>;

}  // namespace

TEST_CASE("a VM's config is read as Proxmox reads it") {
    const auto config =
        vm("name: web1\nlock: backup\ntemplate: yes\nsmbios1: base64=1,uuid=A3FA25E1-082B-4568-B15B-0E0D7FE2E001\n"
           "hookscript: local:snippets/x.sh\ntags: prod;web\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n");
    CHECK(config.type() == GuestType::vm);
    CHECK(config.name() == "web1");
    CHECK(config.lock() == "backup");
    CHECK(config.is_template());
    CHECK(config.uuid() == "a3fa25e1-082b-4568-b15b-0e0d7fe2e001");
    CHECK(config.hookscript() == "local:snippets/x.sh");
    CHECK(config.tags() == Tags{"prod", "web"});
    CHECK(config.value("name") == "web1");
    CHECK(config.value("nam") == std::nullopt);
    CHECK(config.value("memory") == std::nullopt);
    REQUIRE(config.nics().size() == 1);
    CHECK(config.nics()[0].bridge == "vmbr0");
}

TEST_CASE("an empty config has nothing") {
    for (const auto type : {GuestType::vm, GuestType::container}) {
        const GuestConfig config{type, ""};
        CHECK(config.name().empty());
        CHECK(config.lock().empty());
        CHECK(config.uuid().empty());
        CHECK(config.hookscript().empty());
        CHECK(config.tags().empty());
        CHECK(config.description().empty());
        CHECK(config.nics().empty());
        CHECK(config.planned_nics().empty());
        CHECK_FALSE(config.is_template());
        CHECK_FALSE(config.has_cloud_init());
    }
}

TEST_CASE("a container's name is its hostname, and it has no uuid") {
    const auto config = container("hostname: ct1\nname: no\nsmbios1: uuid=a3fa25e1-082b-4568-b15b-0e0d7fe2e001\n");
    CHECK(config.name() == "ct1");
    CHECK(config.uuid().empty());
}

TEST_CASE("of several lines with a key the last counts") {
    CHECK(vm("name: a\nname: b\n").name() == "b");
    CHECK(vm("lock: backup\n\nlock:\n").lock() == "backup");
    CHECK(vm("lock: backup\nlock: \n").lock().empty());
    CHECK(vm("vmstate: local:100/vm-100-state.raw\n").lock() == "suspended");  // after `qm unlock`
    CHECK(vm("name: web1\n\n[before]\nvmstate: local:100/vm-100-state.raw\n").lock().empty());
}

TEST_CASE("only the main section counts") {
    for (const std::string head :
         {"PENDING", "pending", "special:cloudinit", "SPECIAL:fleecing", "snap", "Snap_1-x", "some thing", "x", ""}) {
        INFO(head);
        const auto config = vm("name: a\n\n[" + head + "]  \nname: b\nlock: backup\n#text\n");
        CHECK(config.name() == "a");
        CHECK(config.lock().empty());
        CHECK(config.description().empty());
    }
    CHECK(vm(" [snap]\nname: b\n").name() == "b");
    CHECK(vm("[snap\nname: b\n").name() == "b");
    CHECK(vm("[snap]x\nname: b\n").name() == "b");
}

TEST_CASE("what a container takes for no section does not end its main one") {
    CHECK(container("hostname: a\n[pve:pending]\nhostname: b\n").name() == "a");
    CHECK(container("hostname: a\n[snap]\nhostname: b\n").name() == "a");
    CHECK(container("hostname: a\n[PENDING]\nhostname: b\n").name() == "a");
    CHECK(container("hostname: a\n[special:x]\nhostname: b\n").name() == "b");
    CHECK(container("hostname: a\n[x]\nhostname: b\n").name() == "b");
}

TEST_CASE("pending changes are seen where they are asked for") {
    const auto config =
        vm("net0: virtio=02:00:00:00:00:01,bridge=vmbr0\nnet1: virtio=02:00:00:00:00:02,bridge=vmbr0\n"
           "net2: virtio=02:00:00:00:00:03,bridge=vmbr0\nmemory: 1\n\n[PENDING]\n"
           "net0: virtio=02:00:00:00:00:04,bridge=vmbr1\nnet3: e1000=02:00:00:00:00:05,bridge=vmbr0\n"
           "delete: net1,!memory  cpu\n\n[snap]\nnet9: virtio\n");
    CHECK(config.nics().size() == 3);
    CHECK(config.value("memory") == "1");
    CHECK(config.planned_value("memory") == std::nullopt);
    const auto planned = config.planned_nics();
    REQUIRE(planned.size() == 3);
    CHECK(planned[0].mac == Mac::parse("02:00:00:00:00:04"));
    CHECK(planned[0].bridge == "vmbr1");
    CHECK(planned[1].number == 2);
    CHECK(planned[2].number == 3);
    CHECK(planned[2].model == "e1000");
}

TEST_CASE("a second pending section takes the place of the first") {
    const auto config = vm("memory: 1\n[PENDING]\nname: b\ndelete: memory\n[pending]\ncores: 2\n");
    CHECK(config.planned_value("name") == std::nullopt);
    CHECK(config.planned_value("memory") == "1");
    CHECK(config.planned_value("cores") == "2");
}

TEST_CASE("tags are split as Proxmox splits them") {
    CHECK(vm("tags: ;a, b;;c\td ,\n").tags() == Tags{"a", "b", "c", "d"});
    CHECK(vm("tags: \n").tags().empty());
}

TEST_CASE("the description is every comment line of the main section, decoded") {
    CHECK(vm("#a%3A b\n#\n#100%25 %C3%BC\nname: x\n#c: raw\n\n[s]\n#no\n").description() == "a: b\n\n100% ü\nc: raw");
    CHECK(vm("description: one%0Atwo  \nname: x\n").description() == "one\ntwo");
    CHECK(vm("#one\ndescription: two\n#three\n").description() == "one\ntwothree");
    CHECK(vm("#a\n#\n#  \n").description() == "a");
    CHECK(container("#a\n#\n").description() == "a");
    CHECK(container("#a \n").description() == "a ");
    CHECK(vm("#a%3\n#%zz%\n").description() == "a%3\n%zz%");
    CHECK(vm("#a\r\n#b\r\n").description() == "a\nb");
}

TEST_CASE("cloud-init drives are known on every bus") {
    for (const std::string drive :
         {"ide2: local-lvm:vm-100-cloudinit,media=cdrom", "sata5: local:100/vm-100-cloudinit.qcow2,media=cdrom,size=4M",
          "scsi30: media=cdrom,file=ceph:vm-100-cloudinit.raw", "virtio15: local:cloudinit",
          "cdrom: x:vm-1-cloudinit"}) {
        INFO(drive);
        CHECK(vm(drive + "\n").has_cloud_init());
        CHECK_FALSE(vm("[snap]\n" + drive + "\n").has_cloud_init());
        CHECK_FALSE(container(drive + "\n").has_cloud_init());
    }
    for (const std::string drive :
         {"ide2: local:iso/debian.iso,media=cdrom", "ide2: none,media=cdrom", "unused0: local-lvm:vm-100-cloudinit",
          "ide2: cloudinit", "scsi0: local:vm-100-cloudinit.iso", "scsi0: local:vm-x-cloudinit", "scsihw: x:cloudinit",
          "scsi0: local:vm-100-disk-0,serial=cloudinit"}) {
        INFO(drive);
        CHECK_FALSE(vm(drive + "\n").has_cloud_init());
    }
}

TEST_CASE("a config that pmxcfs could not hold is refused") {
    CHECK_NOTHROW(vm(std::string(GuestConfig::most_bytes, '#')));
    CHECK_THROWS_AS(vm(std::string(GuestConfig::most_bytes + 1, '#')), InputError);
    CHECK_THROWS_AS(vm(std::string{"name: a\0b\n", 10}), InputError);
}

TEST_CASE("hostile texts are read to their end") {
    for (const std::string text : {"\r",
                                   "\r\n",
                                   "#",
                                   "[",
                                   "]",
                                   "[]",
                                   ":",
                                   "net0:",
                                   "net0: ",
                                   "net0: =",
                                   "net0: ,,=,",
                                   "net0: virtio=,",
                                   "net0: virtio==",
                                   "net99: virtio=02:00:00:00:00:01",
                                   "net00: virtio",
                                   "net0: \xff\xfe=\x80",
                                   "smbios1: uuid=",
                                   "[\n[\n]",
                                   "#%",
                                   "#%0",
                                   "#%00",
                                   "tags: ;;;",
                                   "description: %",
                                   "[PENDING]\ndelete: ,!,!!"}) {
        for (const auto type : {GuestType::vm, GuestType::container}) {
            INFO(text);
            const GuestConfig config{type, text};
            CHECK(config.nics().size() <= 1);
            CHECK(config.planned_nics().size() <= 1);
            CHECK(config.tags().empty());
            CHECK(config.description().size() <= text.size());
            CHECK(changed_text(config, {}) == text);
        }
    }
}

TEST_CASE("there are more than a hundred samples") {
    CHECK(samples::all().size() > 100);
}
