#include "simulators/pve/call.hpp"
#include "simulators/pve/commands.hpp"
#include "simulators/pve/container.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/text.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <set>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// facts 4.3: typed fields are JSON numbers, the others strings.
const std::set<std::string> qemu_numbers{"acpi",   "balloon", "cores",      "kvm",    "localtime",
                                         "numa",   "onboot",  "protection", "reboot", "sockets",
                                         "tablet", "tdf",     "template",   "vcpus",  "snaptime"};
const std::set<std::string> lxc_numbers{"console",    "cores", "cpuunits", "debug", "memory",       "onboot",
                                        "protection", "swap",  "template", "tty",   "unprivileged", "snaptime"};

json::value typed(Kind kind, const std::string& key, const std::string& value) {
    const bool is_number = (kind == Kind::qemu ? qemu_numbers : lxc_numbers).contains(key);
    const auto parsed = number(value);
    if (is_number && parsed) return *parsed;  // no braces: they would make an array
    return json::string{value};
}

json::object config_of(const Guest& guest, bool is_current) {
    const auto config = load(guest);
    auto section = config.main;
    if (!is_current) {
        for (const auto& [key, value] : config.pending.values) section.values[key] = value;
        for (const auto& key : split(config.pending.get("delete"), ',')) section.values.erase(key);
        section.values.erase("delete");
    }
    json::object result;
    for (const auto& [key, value] : section.values) result[key] = typed(guest.kind, key, value);
    if (section.has_description) result["description"] = section.description;
    result["digest"] = config.digest;
    return result;
}

json::array pending_of(const Guest& guest) {
    const auto config = load(guest);
    std::set<std::string> keys;
    for (const auto* section : {&config.main, &config.pending}) {
        for (const auto& [key, value] : section->values) keys.insert(key);
    }
    keys.erase("delete");
    const auto list = split(config.pending.get("delete"), ',');
    const std::set<std::string> deletes{list.begin(), list.end()};
    json::array result;
    for (const auto& key : keys) {
        json::object item{{"key", key}};
        if (config.main.has(key)) item["value"] = typed(guest.kind, key, config.main.get(key));
        if (config.pending.has(key)) item["pending"] = typed(guest.kind, key, config.pending.get(key));
        if (deletes.contains(key)) item["delete"] = 1;
        result.push_back(std::move(item));
    }
    result.push_back({{"key", "digest"}, {"value", config.digest}});
    return result;
}

json::object status_of(const Guest& guest, const std::string& node) {
    const auto config = load(guest, node);
    const bool is_here = node == node_name();
    const bool runs = is_here && (guest.kind == Kind::qemu ? is_machine_running(guest) : is_container_running(guest));
    json::object item{{"vmid", guest.vmid}, {"status", runs ? "running" : "stopped"}};
    const auto name = config.main.get(guest.kind == Kind::qemu ? "name" : "hostname");
    item["name"] = name.empty() ? guest.word() + guest.id() : name;
    for (const auto* key : {"tags", "lock"}) {
        if (config.main.has(key)) item[key] = config.main.get(key);
    }
    if (config.main.get("template") == "1") item["template"] = 1;
    return item;
}

json::array snapshots_of(const Guest& guest) {
    const auto config = load(guest);
    json::array result;
    const auto add = [&](const std::string& name, const Section& section, const std::string& description) {
        json::object item{{"name", name}, {"description", description}};
        if (section.has("parent")) item["parent"] = section.get("parent");
        if (section.has("snaptime")) item["snaptime"] = number(section.get("snaptime")).value_or(0);
        if (name != "current") item["vmstate"] = section.has("vmstate") ? 1 : 0;
        result.push_back(std::move(item));
    };
    for (const auto& [name, section] : config.snapshots) add(name, section, section.description);
    add("current", config.main, "You are here!");
    result.back().as_object()["digest"] = config.digest;
    result.back().as_object()["running"] = status_of(guest, node_name()).at("status") == "running" ? 1 : 0;
    return result;
}

json::array guests_of(const std::string& node, Kind kind) {
    json::array result;
    std::set<int> ids;
    for (const auto& file : fs::directory_iterator{"/etc/pve/nodes/" + node + "/" + Guest{kind, 0}.folder()}) {
        const auto id = number(file.path().stem().string());
        if (id && file.path().extension() == ".conf") ids.insert(*id);
    }
    for (const auto id : ids) result.push_back(status_of({kind, id}, node));
    return result;
}

std::set<std::string> nodes() {
    std::set<std::string> names;
    for (const auto& folder : fs::directory_iterator{"/etc/pve/nodes"}) names.insert(folder.path().filename());
    return names;
}

json::array resources(const Call& call) {
    json::array result;
    const auto type = call.options.contains("type") ? call.options.at("type") : "";
    for (const auto& node : nodes()) {
        if (type.empty() || type == "node") {
            result.push_back({{"id", "node/" + node}, {"node", node}, {"type", "node"}, {"status", "online"}});
        }
        for (const auto kind : {Kind::qemu, Kind::lxc}) {
            if (!type.empty() && type != "vm") continue;
            const std::string word = kind == Kind::qemu ? "qemu" : "lxc";
            for (auto& value : guests_of(node, kind)) {
                auto& item = value.as_object();
                item["id"] = word + "/" + std::to_string(item.at("vmid").as_int64());
                item["type"] = word;
                item["node"] = node;
                result.push_back(std::move(item));
            }
        }
    }
    return result;
}

json::array cluster_status() {
    const auto members = json::parse(read_file("/etc/pve/.members").value_or("{}"));
    json::array result;
    if (const auto* cluster = members.as_object().if_contains("cluster")) {
        auto item = cluster->as_object();
        item["type"] = "cluster";
        item["id"] = "cluster";
        result.push_back(std::move(item));
    }
    for (const auto& node : nodes()) {
        result.push_back({{"type", "node"},
                          {"id", "node/" + node},
                          {"name", node},
                          {"online", 1},
                          {"local", node == node_name() ? 1 : 0}});
    }
    return result;
}

void print(const json::value& value) {
    say(json::serialize(value) + "\n");
}

// nodes/NODE/qemu|lxc[/ID/...]
void get_of_node(const std::vector<std::string>& path, const Call& call) {
    const auto kind = path[2] == "lxc" ? Kind::lxc : Kind::qemu;
    if (path.size() == 3) return print(guests_of(path[1], kind));
    const Guest guest{kind, number(path[3]).value_or(0)};
    const auto what = path.size() > 4 ? path[4] : "";
    if (what == "config") return print(config_of(guest, call.is_set("current")));
    if (what == "snapshot") return print(snapshots_of(guest));
    if (what == "pending") return print(pending_of(guest));
    if (what == "status") return print(status_of(guest, path[1]));
    throw CommandError{"No 'get' handler defined for '/" + join(path, "/") + "'\n"};
}

void change_of_node(const std::string& verb, const std::vector<std::string>& path, const Call& call) {
    const auto kind = path[2] == "lxc" ? Kind::lxc : Kind::qemu;
    std::vector<std::string> words;
    if (path.size() == 3 && verb == "create") {
        words = {"create", call.options.at("vmid")};
    } else if (path.size() == 4 && verb == "delete") {
        words = {"destroy", path[3]};
    } else if (path.size() > 4 && path[4] == "config") {
        words = {"set", path[3]};
    } else if (path.size() > 5 && path[4] == "status") {
        words = {path[5], path[3]};
    } else if (path.size() > 4 && path[4] == "clone") {
        words = {"clone", path[3], call.options.at("newid")};
    } else if (path.size() > 4 && path[4] == "snapshot") {
        words = {"snapshot", path[3], call.options.at("snapname")};
    } else {
        throw CommandError{"No '" + verb + "' handler defined for '/" + join(path, "/") + "'\n"};
    }
    for (const auto& [key, value] : call.options) {
        if (key == "vmid" || key == "newid" || key == "output-format" || (key == "snapname" && words[0] == "snapshot"))
            continue;
        words.push_back("--" + key + "=" + value);
    }
    run_guest_command(kind, words);
}

}  // namespace

void run_pvesh(const std::vector<std::string>& arguments) {
    const auto call = Call::parse(arguments);
    if (call.words.size() < 2) throw CommandError{"400 not enough arguments\n"};
    const auto& verb = call.words[0];
    auto path = split(call.words[1], '/');
    std::erase(path, "");
    const auto text = join(path, "/");
    if (path.size() > 2 && path[0] == "nodes" && (path[2] == "qemu" || path[2] == "lxc")) {
        if (verb == "get" || verb == "ls") return get_of_node(path, call);
        return change_of_node(verb, path, call);
    }
    if (verb != "get") throw CommandError{"No '" + verb + "' handler defined for '/" + text + "'\n"};
    if (text == "version")
        return print(json::object{{"release", "8.4"}, {"version", "8.4.0"}, {"repoid", "0000000000000000"}});
    if (text == "cluster/resources") return print(resources(call));
    if (text == "cluster/status") return print(cluster_status());
    if (text == "nodes") {
        json::array list;
        for (const auto& node : nodes())
            list.push_back({{"node", node}, {"status", "online"}, {"type", "node"}, {"id", "node/" + node}});
        return print(list);
    }
    throw CommandError{"No 'get' handler defined for '/" + text + "'\n"};
}

}  // namespace fip::sim::pve
