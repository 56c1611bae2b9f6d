#include "sample_configs.hpp"

#include <algorithm>
#include <sstream>

namespace fip::proxmox::samples {
namespace {

const std::vector<std::string> models{"e1000",  "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e",
                                      "i82551", "i82557b",       "i82559er",      "ne2k_isa",      "ne2k_pci",
                                      "pcnet",  "rtl8139",       "virtio",        "vmxnet3"};

const std::string vm_head =
    "#notes%3A of a person\nboot: order=net0\ncores: 2\nkvm: 0\nmemory: 256\n"
    "meta: creation-qemu=9.2.0,ctime=1795337572\nname: web1\n";
const std::string vm_foot =
    "serial0: socket\nsmbios1: uuid=A3FA25E1-082b-4568-b15b-0e0d7fe2e001\ntags: a;web\n"
    "vmgenid: 3b428e9a-4229-4b71-9ad5-5fa26b88257d\n";

const std::string pending =
    "\n[PENDING]\n#\nmemory: 1024\nnet0: virtio=02:00:00:00:00:99,bridge=vmbr9\ndelete: onboot,!cpu\n";
const std::string special =
    "\n[special:cloudinit]\nname: old\nnet0: virtio=02:00:00:00:00:98,bridge=vmbr9\n"
    "\n[special:fleecing]\nfleecing-images: local:100/vm-100-fleece-0.raw\n";
const std::string snapshots =
    "\n[before]\n#state before\nname: older\nnet0: virtio=02:00:00:00:00:97,bridge=vmbr9\nsnaptime: 1795337583\n"
    "tags: old\n\n[Second-1_x]\ndescription: two%0Alines\nhookscript: local:snippets/old.sh\nsnapstate: delete\n";
const std::string unknown = "\n[some thing]\nnet0: virtio=02:00:00:00:00:96,bridge=vmbr9\n";

const std::string ct_head = "#a container\narch: amd64\nhostname: ct1\nmemory: 512\n";
const std::string ct_foot =
    "rootfs: local:200/vm-200-disk-0.raw,size=4G\ntags: b;a\nlxc.cgroup2.devices.allow: c 10:200 rwm\n"
    "lxc.mount.entry = /dev/net/tun dev/net/tun none bind,create=file\n";
const std::string ct_sections =
    "\n[pve:pending]\nmemory: 1024\ndelete: onboot\n\n[s1]\n#snap\nhostname: old\n"
    "net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:12:34:50,ip=manual,type=veth\nsnaptime: 1795337589\n";

void add_models(std::vector<Sample>& all) {
    for (const auto& model : models) {
        const std::vector<std::string> forms{
            model + "=BC:24:11:00:00:01,bridge=vmbr0",
            "bridge=vmbr0,firewall=1," + model + "=bc:24:11:00:00:01",
            "bridge=vmbr0,macaddr=BC:24:11:00:00:01,model=" + model + ",queues=4",
            model + ",bridge=vmbr0,mtu=1,host-tunnel=1",
        };
        for (std::size_t form = 0; form < forms.size(); ++form) {
            const std::string sections = (form % 2 == 0 ? pending : "") + (form >= 2 ? special + snapshots : "");
            all.push_back({model + " " + std::to_string(form), GuestType::vm,
                           vm_head + "net0: " + forms[form] + "\n" + vm_foot + sections});
        }
    }
}

void add_sections(std::vector<Sample>& all) {
    const std::vector<std::string> parts{pending, special, snapshots, unknown};
    for (unsigned int mask = 0; mask < 16; ++mask) {
        std::string text = vm_head + "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n" + vm_foot;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if ((mask >> i & 1U) != 0) text += parts[i];
        }
        all.push_back({"sections " + std::to_string(mask), GuestType::vm, text});
    }
}

void add_keys(std::vector<Sample>& all) {
    const std::vector<std::string> keys{
        "args: -kernel /boot/x -append console=ttyS0",
        "boot: ",
        "cdrom: local:iso/debian-12.iso,media=cdrom",
        "cpu: x86-64-v2-AES,flags=+aes;-pcid",
        "efidisk0: local-lvm:vm-100-disk-1,efitype=4m,ms-cert=2023,pre-enrolled-keys=1,size=4M",
        "hostpci0: 0000:01:00.0,pcie=1",
        "ide2: local-lvm:vm-100-cloudinit,media=cdrom",
        "scsi1: file=local:100/vm-100-cloudinit.qcow2,media=cdrom",
        "ipconfig0: gw=62.210.0.1,ip=203.0.113.5/32,ip6=auto",
        "lock: backup",
        "lock: suspended",
        "machine: pc-q35-9.2+pve1,viommu=virtio",
        "numa0: cpus=0-3,hostnodes=0,memory=1024",
        "parent: before",
        "running-nets-host-mtu: net0=1500",
        "scsi0: local-lvm:vm-100-disk-0,discard=on,iothread=1,size=32G",
        "smbios1: base64=1,family=WA==,uuid=a3fa25e1-082b-4568-b15b-0e0d7fe2e001",
        "sshkeys: ssh-ed25519%20AAAA%2Bx%20user%40example.com%0A",
        "startup: order=3,up=10",
        "tags: ",
        "tags: a b,c;fip-203.0.113.5",
        "template: 1",
        "unused0: local-lvm:vm-100-disk-9",
        "virtiofs0: share,cache=always",
        "virtio15: local:cloudinit,media=cdrom",
        "vmstatestorage: local",
    };
    for (const auto& key : keys) {
        all.push_back({key, GuestType::vm,
                       vm_head + key + "\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0,rate=12.5,trunks=5;7;10-20\n" +
                           vm_foot + snapshots});
    }
}

void add_containers(std::vector<Sample>& all) {
    const std::vector<std::string> nets{
        "name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:12:34:56,ip=dhcp,type=veth",
        "bridge=vmbr0,hwaddr=bc:24:11:12:34:56,name=eth0,ip=manual,ip6=auto",
        "type=veth,ip=203.0.113.6/32,gw=62.210.0.1,name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC",
        "name=eth0,bridge=vmbr0,tag=5,trunks=1;2,rate=1.5,link_down=1,hwaddr=BC:24:11:AA:BB:CC",
        "name=eth0,bridge=vmbr0,host-managed=1,mtu=1450,hwaddr=BC:24:11:AA:BB:CC",
        "name=eth0,bridge=vmbr0",
    };
    for (const auto& net : nets) {
        all.push_back({net, GuestType::container, ct_head + "net0: " + net + "\n" + ct_foot});
        all.push_back(
            {net + " sections", GuestType::container, ct_head + "net0: " + net + "\n" + ct_foot + ct_sections});
    }
    all.push_back({"features", GuestType::container,
                   ct_head +
                       "features: nesting=1,keyctl=1\nunprivileged: 1\nmp0: /srv,mp=/srv\ndev0: /dev/net/tun\n"
                       "lxc.environment.runtime = A=b\nentrypoint: /sbin/init\nnet31: name=eth9,bridge=vmbr0\n" +
                       ct_foot});
}

void add_typed(std::vector<Sample>& all) {
    const auto add = [&all](const std::string& name, const std::string& text) {
        all.push_back({name, GuestType::vm, text});
    };
    add("empty", "");
    add("a break", "\n");
    add("create", "lock: create\n");
    add("restore", "memory: 128\nlock: create\n");
    add("clone", "# qmclone temporary file\nlock: clone\n");
    add("destroy", "lock: destroyed\n");
    add("only a section", "[PENDING]\nnet0: virtio=02:00:00:00:00:01,bridge=vmbr0\n");
    add("no last break", "name: web1\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0");
    add("no last break in a section", "name: web1\n\n[snap]\nname: old");
    add("doubled keys",
        "net0: virtio=02:00:00:00:00:01,bridge=vmbr0\nname: a\nnet0: e1000=02:00:00:00:00:02\nname: b\n");
    add("comments between",
        "name: a\n\n#one: raw\nmemory: 128\n\n\n#two\nunknownkey: 7\nnot a line\n#three\n\n[snap]\n#four\n");
    add("a description key", "name: a\ndescription: one%0Atwo%3A\nmemory: 128\n#three\n");
    add("blanks", "name:   a  \nnet0:virtio=02:00:00:00:00:01,bridge=vmbr0\t\n name: no\n");
    add("brackets", "name: a\n[ENDING\n#x\n[x]y\nmemory: 1\n[]\nname: c\n");
    add("two pending", "name: a\n[PENDING]\nname: b\nmemory: 1\n[pending] \nname: c\n[Pending]x\n");
    all.push_back(
        {"a container's bad bracket", GuestType::container, "hostname: a\n[x]\nmemory: 1\n[PENDING]\nhostname: b\n"});
    std::string returns = vm_head + "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n" + vm_foot + pending;
    for (auto at = returns.find('\n'); at != std::string::npos; at = returns.find('\n', at + 2))
        returns.insert(at, "\r");
    add("carriage returns", returns);
}

}  // namespace

std::vector<Sample> all() {
    std::vector<Sample> result;
    add_models(result);
    add_sections(result);
    add_keys(result);
    add_containers(result);
    add_typed(result);
    return result;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
}

}  // namespace fip::proxmox::samples
