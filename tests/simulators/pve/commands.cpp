#include "simulators/pve/commands.hpp"

#include "simulators/pve/call.hpp"
#include "simulators/pve/container.hpp"
#include "simulators/pve/lifecycle.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/power.hpp"
#include "simulators/pve/text.hpp"
#include "simulators/pve/update.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;

bool is_running(const Guest& guest) {
    return guest.kind == Kind::qemu ? is_machine_running(guest) : is_container_running(guest);
}

std::string word(const Call& call, std::size_t at) {
    if (at >= call.words.size()) throw CommandError{"400 not enough arguments\n"};
    return call.words[at];
}

void show_config(const Guest& guest, const Call& call) {
    auto config = load(guest);
    auto section = config.main;
    if (!call.is_set("current")) {  // pending values shine through
        for (const auto& [key, value] : config.pending.values) {
            if (key != "delete") section.values[key] = value;
        }
        for (const auto& key : split(config.pending.get("delete"), ',')) section.values.erase(key);
    }
    if (section.has_description) section.values["description"] = encode_text(section.description);
    for (const auto& [key, value] : section.values) say(key + ": " + value + "\n");
}

void show_pending(const Guest& guest) {
    const auto config = load(guest);
    const auto deletes = split(config.pending.get("delete"), ',');
    std::set<std::string> keys;
    for (const auto& [key, value] : config.main.values) keys.insert(key);
    for (const auto& [key, value] : config.pending.values) keys.insert(key);
    keys.erase("delete");
    for (const auto& key : keys) {
        if (config.main.has(key)) say("cur " + key + ": " + config.main.get(key) + "\n");
        if (config.pending.has(key)) say("new " + key + ": " + config.pending.get(key) + "\n");
        if (std::find(deletes.begin(), deletes.end(), key) != deletes.end()) say("del " + key + "\n");
    }
}

void list_guests(Kind kind) {
    std::set<int> ids;
    for (const auto& file : fs::directory_iterator{"/etc/pve/nodes/" + node_name() + "/" + Guest{kind, 0}.folder()}) {
        const auto id = number(file.path().stem().string());
        if (id && file.path().extension() == ".conf") ids.insert(*id);
    }
    say(kind == Kind::qemu ? "      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n"
                           : "VMID       Status     Lock         Name                \n");
    for (const auto id : ids) {
        const Guest guest{kind, id};
        const auto config = load(guest);
        const auto status = std::string{is_running(guest) ? "running" : "stopped"};
        const auto name = config.main.get(kind == Kind::qemu ? "name" : "hostname");
        say(kind == Kind::qemu ? "       " + guest.id() + " " + name + " " + status + "\n"
                               : guest.id() + " " + status + " " + config.main.get("lock") + " " + name + "\n");
    }
}

using Command = std::function<void(const Guest&, Call&)>;

PowerOptions power_options(const Call& call) {
    const auto from = call.options.find("migratedfrom");
    return {call.is_set("skiplock"), from == call.options.end() ? "" : from->second};
}

const std::map<std::string, Command>& commands() {
    static const std::map<std::string, Command> all{
        {"create", [](const Guest& guest, Call& call) { create_guest(guest, call); }},
        {"set", [](const Guest& guest, Call& call) { update_guest(guest, call); }},
        {"config", [](const Guest& guest, Call& call) { show_config(guest, call); }},
        {"pending", [](const Guest& guest, Call&) { show_pending(guest); }},
        {"status",
         [](const Guest& guest, Call&) {
             static_cast<void>(load(guest));
             say(std::string{"status: "} + (is_running(guest) ? "running" : "stopped") + "\n");
         }},
        {"clone", [](const Guest& guest, Call& call) { clone_guest(guest, call.vmid(2), call); }},
        {"destroy", [](const Guest& guest, Call& call) { destroy_guest(guest, call); }},
        {"template", [](const Guest& guest, Call&) { make_template(guest); }},
        {"unlock", [](const Guest& guest, Call&) { unlock_guest(guest); }},
        {"migrate", [](const Guest& guest, Call& call) { migrate_guest(guest, word(call, 2), call); }},
        {"snapshot", [](const Guest& guest, Call& call) { take_snapshot(guest, word(call, 2), call); }},
        {"rollback", [](const Guest& guest, Call& call) { roll_back(guest, word(call, 2)); }},
        {"delsnapshot", [](const Guest& guest, Call& call) { delete_snapshot(guest, word(call, 2)); }},
        {"start", [](const Guest& guest, Call& call) { start_guest(guest, power_options(call)); }},
        {"stop", [](const Guest& guest, Call& call) { stop_guest(guest, power_options(call)); }},
        {"shutdown",
         [](const Guest& guest, Call& call) {
             const auto seconds = number(call.take("timeout")).value_or(60);
             shut_down_guest(guest, power_options(call), seconds, call.is_set("forceStop"));
         }},
        {"reboot", [](const Guest& guest, Call&) { reboot_guest(guest); }},
        {"reset",
         [](const Guest& guest, Call&) {
             const GuestLock hold{guest};
             check_lock(guest, load(guest));
             if (!is_running(guest)) throw CommandError{"VM " + guest.id() + " not running\n"};
             tell_machine(guest, "system_reset");
         }},
        {"suspend", [](const Guest& guest, Call& call) { suspend_guest(guest, call.is_set("todisk")); }},
        {"resume", [](const Guest& guest, Call&) { resume_guest(guest); }},
        {"cleanup", [](const Guest& guest, Call&) { clean_up_guest(guest); }},
    };
    return all;
}

}  // namespace

void run_guest_command(Kind kind, const std::vector<std::string>& arguments) {
    auto call = Call::parse(arguments);
    const auto name = word(call, 0);
    if (name == "list") return list_guests(kind);
    if (kind == Kind::lxc && name == "restore") {
        return restore_guest({kind, call.vmid(1)}, word(call, 2), call);
    }
    const auto command = commands().find(name);
    if (command == commands().end()) throw CommandError{"ERROR: unknown command '" + name + "'\n"};
    command->second({kind, call.vmid(1)}, call);
}

}  // namespace fip::sim::pve
