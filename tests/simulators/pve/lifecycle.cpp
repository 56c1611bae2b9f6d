#include "simulators/pve/lifecycle.hpp"

#include "simulators/pve/container.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/power.hpp"
#include "simulators/pve/property.hpp"
#include "simulators/pve/text.hpp"
#include "simulators/pve/update.hpp"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <optional>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;

bool is_running(const Guest& guest) {
    return guest.kind == Kind::qemu ? is_machine_running(guest) : is_container_running(guest);
}

std::string task_type(const Guest& guest, const std::string& what) {
    return (guest.kind == Kind::qemu ? "qm" : "vz") + what;
}

// A worker's failure is its exit status in the task list, and the command's.
template <typename Work>
void as_task(const std::string& type, const std::string& id, Work work) {
    Task task{type, id};
    try {
        work();
    } catch (const std::exception& error) {
        task.failed(join(split(error.what(), '\n'), " "));
        throw;
    }
}

void check_free(const Guest& guest) {
    const auto node = node_of(guest.vmid);
    if (node.empty()) return;
    const bool is_machine = exists({Kind::qemu, guest.vmid}, node);
    throw CommandError{std::string{"unable to create "} + guest.word() + " " + guest.id() + " - " +
                       (is_machine ? "VM " : "CT ") + guest.id() + " already exists on node '" + node + "'\n"};
}

std::vector<std::string> disks(const Section& section) {
    std::vector<std::string> keys;
    for (const auto* kind : {"ide", "scsi", "sata", "virtio"}) {
        for (const auto& [key, value] : section.values) {
            if (!key.starts_with(kind) || !number(key.substr(std::string{kind}.size()))) continue;
            if (value.find("media=cdrom") == value.npos) keys.push_back(key);
        }
    }
    return keys;
}

bool has_disk(const Section& section) {
    return !disks(section).empty() || section.has("rootfs");
}

std::string default_boot(const Section& section) {
    auto devices = disks(section);
    if (devices.size() > 1) devices.resize(1);
    for (int i = 0; i < 32; ++i) {
        const auto key = "net" + std::to_string(i);
        if (!section.has(key)) continue;
        devices.push_back(key);
        break;
    }
    return devices.empty() ? "" : "order=" + join(devices, ";");
}

void fill_machine(Section& section) {
    section.values.try_emplace("boot", default_boot(section));
    section.values.try_emplace("meta", "creation-qemu=7.2.22,ctime=" + std::to_string(std::time(nullptr)));
    section.values.try_emplace("smbios1", "uuid=" + random_uuid());
    section.values.try_emplace("vmgenid", random_uuid());
}

void fill_container(const Guest& guest, Section& section) {
    section.values.try_emplace("arch", "amd64");
    section.values.try_emplace("ostype", "debian");
    section.values.try_emplace("memory", "512");
    section.values.try_emplace("swap", "512");
    section.values.try_emplace("hostname", "CT" + guest.id());
    section.values["rootfs"] = "local:" + guest.id() + "/vm-" + guest.id() + "-disk-0.raw,size=4G";
}

// facts 4.4: clone, and restore with unique, give every NIC another MAC.
void renew_macs(const Guest& guest, Section& section) {
    for (auto& [key, value] : section.values) {
        if (!is_net(key)) continue;
        if (guest.kind == Kind::lxc) {
            auto net = parse_pairs(value);
            net["hwaddr"] = random_mac(mac_prefix());
            value = print_pairs(net, "name");
            continue;
        }
        std::string why;
        if (auto net = parse_net(value, why)) {
            (*net)["macaddr"] = random_mac(mac_prefix());
            value = print_net(*net);
        }
    }
}

void renew_identity(const Guest& guest, Section& section) {
    if (guest.kind == Kind::lxc) return;
    section.values["smbios1"] = "uuid=" + random_uuid();
    section.values["vmgenid"] = random_uuid();
}

void set_description(Section& section, const std::string& text) {
    section.description = text;
    section.has_description = !text.empty();
}

// facts 4.1: the file is made with its lock alone, so that the VMID is taken.
void reserve(const Guest& guest, const std::string& text) {
    const GuestLock hold{guest, 1};
    check_free(guest);
    save_text(guest, text);
}

std::string firewall_file(int vmid) {
    return "/etc/pve/firewall/" + std::to_string(vmid) + ".fw";
}

}  // namespace

void create_guest(const Guest& guest, Call call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    check_quorum();
    const bool starts = call.is_set("start");
    for (const auto* other : {"start", "storage", "force", "unique", "skiplock", "password", "rootfs"})
        call.take(other);
    auto options = checked_options(guest, call.options, true);
    check_free(guest);
    as_task(task_type(guest, "create"), guest.id(), [&] {
        reserve(guest, "lock: create\n");
        const GuestLock hold{guest, 1};
        ConfigFile config;
        set_description(config.main, options["description"]);
        options.erase("description");
        config.main.values = options;
        if (guest.kind == Kind::qemu) {
            fill_machine(config.main);
        } else {
            fill_container(guest, config.main);
        }
        save(guest, config);
    });
    if (starts) start_guest(guest, {});
}

void clone_guest(const Guest& guest, int new_vmid, const Call& call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    check_quorum();
    const Guest copy{guest.kind, new_vmid};
    check_free(copy);
    const auto source = load(guest);
    check_lock(guest, source);
    const auto snapshot = call.options.find("snapname");
    if (snapshot != call.options.end() && !source.snapshots.contains(snapshot->second)) {
        throw CommandError{"snapshot '" + snapshot->second + "' does not exist\n"};
    }
    // facts 4.2: the task carries the source's VMID.
    as_task(task_type(guest, "clone"), guest.id(), [&] {
        // PVE::API2::Qemu clone_vm: for its whole duration; a container is locked by a key of its config.
        std::optional<GuestLock> hold_source;
        const auto mode = is_running(guest) ? GuestLock::Mode::exclusive : GuestLock::Mode::shared;
        if (guest.kind == Kind::qemu) hold_source.emplace(guest, 1, mode);
        reserve(copy, "# qmclone temporary file\nlock: clone\n");
        const GuestLock hold{copy, 1};
        pause("FIP_SIM_PVE_CLONE_MS");
        ConfigFile config;
        config.main = snapshot == call.options.end() ? source.main : source.snapshots.at(snapshot->second);
        for (const auto* key : {"template", "parent", "snaptime", "snapstate", "vmstate", "runningmachine", "lock"}) {
            config.main.values.erase(key);
        }
        renew_macs(copy, config.main);
        renew_identity(copy, config.main);
        const auto* name_key = guest.kind == Kind::qemu ? "name" : "hostname";
        const auto* name_option = call.options.contains("name") ? "name" : "hostname";
        const auto old_name = config.main.get(name_key);
        config.main.values[name_key] = call.options.contains(name_option) ? call.options.at(name_option)
                                       : guest.kind == Kind::qemu
                                           ? "Copy-of-VM-" + (old_name.empty() ? guest.id() : old_name)
                                           : "Copy-of-CT-" + (old_name.empty() ? guest.id() : old_name);
        if (call.options.contains("description")) set_description(config.main, call.options.at("description"));
        if (has_disk(config.main)) {  // then there are several writes that carry the lock still
            config.main.values["lock"] = "clone";
            save(copy, config);
            config.main.values.erase("lock");
        }
        save(copy, config);
        if (const auto rules = read_file(firewall_file(guest.vmid))) write_atomically(firewall_file(new_vmid), *rules);
    });
}

// facts 4.1: full config, then `lock: destroyed` alone, then no file; the firewall file goes before it.
void destroy_guest(const Guest& guest, const Call& call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    const auto check = [&] {
        const auto config = load(guest);
        if (config.main.get("protection") == "1") {
            throw CommandError{"can't remove " + std::string{guest.word()} + " " + guest.id() +
                               " - protection mode enabled\n"};
        }
        if (!call.is_set("skiplock")) check_lock(guest, config);
        if (is_running(guest)) {
            if (guest.kind == Kind::lxc && call.is_set("force")) {
                stop_guest(guest, {});
            } else {
                throw CommandError{std::string{guest.word()} + " " + guest.id() + " is running - destroy failed\n", 25};
            }
        }
    };
    as_task(task_type(guest, "destroy"), guest.id(), [&] {
        check();
        check_quorum();
        const GuestLock hold{guest};
        check();
        save_text(guest, "lock: destroyed\n");
        ::unlink(firewall_file(guest.vmid).c_str());
        erase(guest);
    });
}

// facts 4.1: `lock: create`, then a placeholder, then what the archive has; over an existing guest the file shrinks to
// the placeholder too.
void restore_guest(const Guest& guest, const std::string& archive, const Call& call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    check_quorum();
    const auto text = read_file(archive);
    if (!text) throw CommandError{"unable to find archive '" + archive + "'\n"};
    const bool is_there = exists(guest);
    if (is_there && !call.is_set("force")) check_free(guest);
    if (is_there && is_running(guest)) throw CommandError{"unable to restore VM " + guest.id() + " - VM is running\n"};
    as_task(task_type(guest, "restore"), guest.id(), [&] {
        if (is_there) {
            const GuestLock hold{guest};
            auto config = load(guest);
            check_lock(guest, config);
            config.main.values["lock"] = "create";
            save(guest, config);
        } else {
            reserve(guest, "lock: create\n");
        }
        const GuestLock hold{guest, 1};
        save_text(guest, "lock: create\nmemory: 128\n");
        const auto backup = parse_config(guest.kind, guest.vmid, *text, warn);
        ConfigFile config;
        config.main = backup.main;  // no pending values, no snapshots
        for (const auto* key : {"lock", "parent", "template"}) config.main.values.erase(key);
        if (guest.kind == Kind::qemu) config.main.values["vmgenid"] = random_uuid();
        if (call.is_set("unique")) {
            renew_macs(guest, config.main);
            renew_identity(guest, config.main);
        }
        save(guest, config);
    });
}

void make_template(const Guest& guest) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(task_type(guest, "template"), guest.id(), [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (is_running(guest)) throw CommandError{"you can't convert a VM to template if VM is running vm\n"};
        config.main.values["template"] = "1";
        save(guest, config);
    });
}

void unlock_guest(const Guest& guest) {
    pause("FIP_SIM_PVE_DELAY_MS");
    const GuestLock hold{guest};
    auto config = load(guest);
    config.main.values.erase("lock");
    save(guest, config);
}

// facts 4.1: one rename from one node's folder to the other's; `lock: migrate` before, and until the target unlocks.
// The target's own start of a live migration is `qm start ID --migratedfrom NODE` there.
void migrate_guest(const Guest& guest, const std::string& target, const Call& call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    check_quorum();
    if (target == node_name()) throw CommandError{"target is local node.\n"};
    const auto folder = "/etc/pve/nodes/" + target + "/" + guest.folder();
    if (!fs::is_directory(folder)) throw CommandError{"no such cluster node '" + target + "'\n"};
    const bool is_online = is_running(guest);
    if (is_online && !call.is_set("online") && !call.is_set("restart")) {
        throw CommandError{"can't migrate running VM without --online\n"};
    }
    as_task(task_type(guest, "migrate"), guest.id(), [&] {
        const GuestLock hold{guest};  // for its whole duration (facts 6)
        auto config = load(guest);
        check_lock(guest, config);
        config.main.values["lock"] = "migrate";
        save(guest, config);
        pause("FIP_SIM_PVE_MIGRATE_MS");
        const auto there = folder + "/" + guest.id() + ".conf";
        fs::rename(config_path(guest), there);
        if (is_online && guest.kind == Kind::qemu) stop_machine(guest);
        if (is_online && guest.kind == Kind::lxc) stop_container(guest);
        pause("FIP_SIM_PVE_STEP_MS");
        config.main.values.erase("lock");
        write_atomically(there, print_config(guest.kind, config));  // `qm unlock` on the target
    });
}

void take_snapshot(const Guest& guest, const std::string& name, const Call& call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(task_type(guest, "snapshot"), guest.id(), [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (config.snapshots.contains(name)) throw CommandError{"snapshot name '" + name + "' already used\n"};
        auto taken = config.main;
        taken.description.clear();
        taken.has_description = false;
        if (call.options.contains("description")) set_description(taken, call.options.at("description"));
        taken.values["snaptime"] = std::to_string(std::time(nullptr));
        if (call.is_set("vmstate") && is_running(guest)) {
            taken.values["vmstate"] = "local:" + guest.id() + "/vm-" + guest.id() + "-state-" + name + ".raw";
        }
        taken.values["snapstate"] = "prepare";
        config.snapshots[name] = taken;
        config.main.values["lock"] = "snapshot";
        save(guest, config);
        config.snapshots[name].values.erase("snapstate");
        config.main.values.erase("lock");
        config.main.values["parent"] = name;
        save(guest, config);
    });
}

// facts 4.4: everything but the description comes from the snapshot; keys that it lacks vanish.
void roll_back(const Guest& guest, const std::string& name) {
    pause("FIP_SIM_PVE_DELAY_MS");
    bool has_state = false;
    as_task(task_type(guest, "rollback"), guest.id(), [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (!config.snapshots.contains(name)) throw CommandError{"snapshot '" + name + "' does not exist\n"};
        config.main.values["lock"] = "rollback";
        save(guest, config);
        if (is_running(guest)) stop_for_rollback(guest, config);
        config = load(guest);
        auto restored = config.snapshots.at(name);
        has_state = restored.has("vmstate");
        for (const auto* key : {"snaptime", "snapstate", "vmstate", "parent"}) restored.values.erase(key);
        restored.description = config.main.description;
        restored.has_description = config.main.has_description;
        restored.values["parent"] = name;
        if (guest.kind == Kind::qemu) restored.values["vmgenid"] = random_uuid();
        config.main = restored;
        config.pending = {};
        save(guest, config);
    });
    if (has_state) start_guest(guest, {});
}

void delete_snapshot(const Guest& guest, const std::string& name) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(task_type(guest, "delsnapshot"), guest.id(), [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (!config.snapshots.contains(name)) throw CommandError{"snapshot '" + name + "' does not exist\n"};
        config.snapshots[name].values["snapstate"] = "delete";
        config.main.values["lock"] = "snapshot-delete";
        save(guest, config);
        const auto parent = config.snapshots[name].get("parent");
        const auto adopt = [&](Section& section) {
            if (section.get("parent") != name) return;
            section.values["parent"] = parent;
            if (parent.empty()) section.values.erase("parent");
        };
        adopt(config.main);
        for (auto& [other, section] : config.snapshots) adopt(section);
        save(guest, config);
        config.snapshots.erase(name);
        config.main.values.erase("lock");
        save(guest, config);
    });
}

}  // namespace fip::sim::pve
