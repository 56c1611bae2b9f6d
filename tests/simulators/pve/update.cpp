#include "simulators/pve/update.hpp"

#include "simulators/pve/container.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/property.hpp"
#include "simulators/pve/text.hpp"

#include <algorithm>
#include <regex>
#include <set>

namespace fip::sim::pve {
namespace {

const std::set<std::string> qemu_locks{"backup",   "clone",           "create",     "migrate",  "rollback",
                                       "snapshot", "snapshot-delete", "suspending", "suspended"};

std::string sorted_tags(const std::string& text) {
    std::set<std::string> tags;
    auto separated = lower(text);
    std::replace_if(
        separated.begin(), separated.end(), [](char c) { return c == ',' || c == ' '; }, ';');
    for (const auto& tag : split(separated, ';')) {
        if (!tag.empty()) tags.insert(tag);
    }
    return join({tags.begin(), tags.end()}, ";");
}

void check_tags(const std::string& text) {
    static const std::regex tag{R"([A-Za-z0-9_][A-Za-z0-9_.+-]*)"};
    auto separated = text;
    std::replace_if(
        separated.begin(), separated.end(), [](char c) { return c == ',' || c == ' '; }, ';');
    for (const auto& part : split(separated, ';')) {
        if (!part.empty() && !std::regex_match(part, tag))
            throw ParameterError{"tags", "invalid format - invalid characters in tag"};
    }
}

std::string checked_net(const Guest& guest, const std::string& key, const std::string& value) {
    if (guest.kind == Kind::lxc) {
        auto net = parse_pairs(value);
        const auto mac = net.find("hwaddr");
        if (mac != net.end() && !is_unicast_mac(mac->second)) {
            throw ParameterError{key + ": invalid format - format error\n" + key +
                                 ".hwaddr: invalid format - value does not look like a valid unicast MAC address\n\n"};
        }
        if (!net.contains("name")) {
            throw ParameterError{key + ": invalid format - format error\n" + key +
                                 ".name: property is missing and it is not optional\n\n"};
        }
        if (mac == net.end()) net["hwaddr"] = random_mac(mac_prefix());
        net.try_emplace("type", "veth");
        return print_pairs(net, "name");
    }
    std::string why;
    auto net = parse_net(value, why);
    if (!net) throw ParameterError{key + ": " + why + "\n"};
    // facts 2.3: without a MAC a new random one is made, also where there was one.
    if (!net->contains("macaddr")) (*net)["macaddr"] = random_mac(mac_prefix());
    return print_net(*net);
}

std::string uri_escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const bool is_plain =
            std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string{"-_.!~*'()"}.find(c) != std::string::npos;
        if (is_plain) {
            result += c;
        } else {
            constexpr auto digits = "0123456789ABCDEF";
            const auto byte = static_cast<unsigned char>(c);
            result += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return result;
}

std::set<std::string> pending_deletes(const Section& pending) {
    const auto list = split(pending.get("delete"), ',');
    return {list.begin(), list.end()};
}

void set_pending_deletes(Section& pending, const std::set<std::string>& keys) {
    if (keys.empty()) {
        pending.values.erase("delete");
    } else {
        pending.values["delete"] = join({keys.begin(), keys.end()}, ",");
    }
}

bool has(const Section& section, const std::string& key) {
    return key == "description" ? section.has_description : section.has(key);
}

void drop(Section& section, const std::string& key) {
    section.values.erase(key);
    if (key == "description") {
        section.description.clear();
        section.has_description = false;
    }
}

void put(Section& section, const std::string& key, const std::string& value) {
    if (key == "description") {
        section.description = value;
        section.has_description = true;
    } else {
        section.values[key] = value;
    }
}

std::string value_of(const Section& section, const std::string& key) {
    return key == "description" ? section.description : section.get(key);
}

// One pending value becomes the value.
void settle(ConfigFile& config, const std::string& key) {
    const auto value = value_of(config.pending, key);
    drop(config.pending, key);
    if (key == "description" && value.empty()) {
        drop(config.main, key);
    } else {
        put(config.main, key, value);
    }
}

std::vector<std::string> pending_keys(const Section& pending) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : pending.values) {
        if (key != "delete") keys.push_back(key);
    }
    if (pending.has_description) keys.emplace_back("description");
    return keys;
}

void remove_from_boot_order(ConfigFile& config, const std::string& device) {
    const auto boot = config.main.get("boot");
    if (!boot.starts_with("order=")) return;
    auto devices = split(boot.substr(6), ';');
    if (std::erase(devices, device) == 0) return;
    config.pending.values["boot"] = devices.empty() ? "" : "order=" + join(devices, ";");
}

bool ask_to_delete(const Guest& guest, ConfigFile& config, const std::string& key) {
    if (!has(config.main, key) && !has(config.pending, key)) {
        warn("cannot delete '" + key + "' - not set in current configuration!\n");
        return false;
    }
    drop(config.pending, key);
    if (!has(config.main, key)) return true;
    auto keys = pending_deletes(config.pending);
    keys.insert(key);
    set_pending_deletes(config.pending, keys);
    if (guest.kind == Kind::qemu && is_net(key)) remove_from_boot_order(config, key);
    return true;
}

void ask_to_set(ConfigFile& config, const std::string& key, const std::string& value) {
    put(config.pending, key, value);
    auto keys = pending_deletes(config.pending);
    keys.erase(key);
    set_pending_deletes(config.pending, keys);
}

// facts 3: a value that is there already is no change; what is live is not looked at.
bool drop_unchanged(ConfigFile& config) {
    bool is_changed = false;
    for (const auto& key : pending_keys(config.pending)) {
        if (!has(config.main, key) || value_of(config.main, key) != value_of(config.pending, key)) continue;
        drop(config.pending, key);
        is_changed = true;
    }
    return is_changed;
}

std::set<std::string> hotplug_features(const ConfigFile& config) {
    auto text = config.main.get("hotplug");
    if (text.empty() || text == "1") text = "network,disk,usb";
    const auto list = split(text, ',');
    return {list.begin(), list.end()};
}

using Errors = std::map<std::string, std::string>;

// facts 3: model, MAC, queues and mtu need another device; the bridge and its like change under it.
bool needs_replug(const Properties& before, const Properties& after) {
    const auto differs = [&](const char* key) {
        const auto get = [&](const Properties& net) { return net.contains(key) ? net.at(key) : ""; };
        return get(before) != get(after);
    };
    return differs("model") || differs("macaddr") || differs("queues") || differs("mtu") ||
           before.contains("bridge") != after.contains("bridge");
}

// False: not while it runs; the value stays pending.
bool plug_machine_net(const Guest& guest, const ConfigFile& config, const std::string& key, bool has_hotplug) {
    std::string why;
    const auto before = parse_net(config.main.get(key), why);
    const auto after = parse_net(config.pending.get(key), why);
    if (before && after && !needs_replug(*before, *after)) {
        move_to_bridge(guest, key, *after);
        return true;
    }
    if (!has_hotplug) return false;
    if (before) unplug(guest, key);
    plug(guest, config, key, after.value());
    return true;
}

bool plug_now(const Guest& guest, const ConfigFile& config, const std::string& key,
              const std::set<std::string>& features) {
    if (is_net(key)) return plug_machine_net(guest, config, key, features.contains("network"));
    return key == "hotplug";
}

bool unplug_now(const Guest& guest, const std::string& key, const std::set<std::string>& features) {
    if (is_net(key) && features.contains("network")) {
        unplug(guest, key);
        return true;
    }
    return key == "hotplug";
}

// PVE's vmconfig_hotplug_pending: the fast ones first, written at once; then the devices, written at the end.
Errors hotplug_pending(const Guest& guest, ConfigFile& config) {
    bool is_changed = false;
    for (const auto& key : pending_keys(config.pending)) {
        if (!is_fast_plug(guest.kind, key)) continue;
        settle(config, key);
        is_changed = true;
    }
    auto deletes = pending_deletes(config.pending);
    for (const auto& key : std::set{deletes}) {
        if (!is_fast_plug(guest.kind, key)) continue;
        drop(config.main, key);
        deletes.erase(key);
        is_changed = true;
    }
    set_pending_deletes(config.pending, deletes);
    if (is_changed) save(guest, config);

    Errors errors;
    const auto features = hotplug_features(config);
    for (const auto& key : std::set{deletes}) {
        try {
            if (!unplug_now(guest, key, features)) continue;
            drop(config.main, key);
            deletes.erase(key);
        } catch (const std::exception& error) {
            errors[key] = std::string{"hotplug problem - "} + error.what();
        }
    }
    set_pending_deletes(config.pending, deletes);
    for (const auto& key : pending_keys(config.pending)) {
        try {
            if (plug_now(guest, config, key, features)) settle(config, key);
        } catch (const std::exception& error) {
            errors[key] = std::string{"hotplug problem - "} + error.what();
        }
    }
    save(guest, config);
    return errors;
}

// PVE::LXC::update_net: the old one goes, and the file says so, before the new one comes.
void update_container_net(const Guest& guest, ConfigFile& config, const std::string& key) {
    const auto after = parse_pairs(config.pending.get(key));
    const auto before = parse_pairs(config.main.get(key));
    const auto differs = [&](const char* name) {
        const auto get = [&](const Properties& net) { return net.contains(name) ? net.at(name) : ""; };
        return get(before) != get(after);
    };
    const bool is_other = differs("hwaddr") || differs("name");
    const bool is_moved = differs("bridge") || differs("tag") || differs("firewall");
    if (!before.empty() && !is_other && !is_moved) return;  // its addresses alone
    if (!before.empty()) {
        remove_container_net(guest, key);
        drop(config.main, key);
        save(guest, config);
    }
    plug_container_net(guest, key, after);
    put(config.main, key, config.pending.get(key));
    save(guest, config);
}

// PVE::LXC::Config::vmconfig_hotplug_pending: in memory, but for what update_net writes on the way.
Errors hotplug_container(const Guest& guest, ConfigFile& config, const std::set<std::string>& modified) {
    for (const auto& key : pending_keys(config.pending)) {
        if (modified.contains(key) && is_fast_plug(guest.kind, key)) settle(config, key);
    }
    auto deletes = pending_deletes(config.pending);
    for (const auto& key : std::set{deletes}) {
        if (!modified.contains(key) || (!is_net(key) && !is_fast_plug(guest.kind, key))) continue;
        if (is_net(key)) remove_container_net(guest, key);
        drop(config.main, key);
        deletes.erase(key);
    }
    set_pending_deletes(config.pending, deletes);
    Errors errors;
    for (const auto& key : pending_keys(config.pending)) {
        if (!modified.contains(key) || !is_net(key)) continue;
        try {
            update_container_net(guest, config, key);
            settle(config, key);
        } catch (const std::exception& error) {
            errors[key] = "unable to hotplug " + key + ": " + error.what();
        }
    }
    return errors;
}

// PVE::API2::LXC::Config update_vm: one write at its end, and none when a key failed.
void update_container(const Guest& guest, ConfigFile& config, const std::map<std::string, std::string>& options,
                      const std::vector<std::string>& deletes) {
    std::set<std::string> modified{deletes.begin(), deletes.end()};
    for (const auto& key : deletes) ask_to_delete(guest, config, key);
    for (const auto& [key, value] : options) {
        ask_to_set(config, key, value);
        modified.insert(key);
    }
    drop_unchanged(config);
    std::string lines;
    if (is_container_running(guest)) {
        for (const auto& [key, why] : hotplug_container(guest, config, modified)) lines += key + ": " + why + "\n";
    } else {
        for (const auto& key : pending_deletes(config.pending)) drop(config.main, key);
        set_pending_deletes(config.pending, {});
        for (const auto& key : pending_keys(config.pending)) settle(config, key);
    }
    if (!lines.empty()) throw ParameterError{lines};
    save(guest, config);
}

std::string shown(const Call& call) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : call.options)
        parts.push_back("-" + key + " " + (key == "cipassword" ? "<hidden>" : value));
    return join(parts, " ");
}

}  // namespace

std::map<std::string, std::string> checked_options(const Guest& guest, std::map<std::string, std::string> options,
                                                   bool is_create) {
    for (auto& [key, value] : options) {
        if (!is_option(guest.kind, key)) {
            throw CommandError{"Unknown option: " + key + "\n400 unable to parse option\n"};
        }
        if (is_net(key)) value = checked_net(guest, key, value);
        if (key == "tags") {
            check_tags(value);
            if (!is_create) value = sorted_tags(value);  // recorded: create stores them as they come
        }
        if (key == "hookscript") {
            try {
                static_cast<void>(hookscript_path(value));
            } catch (const CommandError& error) {
                throw ParameterError{key, error.what(), error.exit_code()};
            }
        }
        if (key == "lock" && guest.kind == Kind::qemu && !qemu_locks.contains(value)) {
            throw ParameterError{key, "value '" + value + "' does not have a value in the enumeration '" +
                                          join({qemu_locks.begin(), qemu_locks.end()}, ", ") + "'"};
        }
        if (key == "description" && value.size() > 8192)
            throw ParameterError{key, "value may only be 8192 characters long"};
        if (key == "sshkeys" && value.starts_with('/')) value = uri_escaped(read_file(value).value_or(""));
    }
    return options;
}

void update_guest(const Guest& guest, Call call) {
    pause("FIP_SIM_PVE_DELAY_MS");
    const auto digest = call.take("digest");
    const auto deletes = split(call.options.contains("delete") ? call.options.at("delete") : "", ',');
    const bool skips_lock = call.is_set("skiplock");
    call.take("skiplock");
    auto options = call.options;
    options.erase("delete");
    options = checked_options(guest, std::move(options), false);

    const GuestLock hold{guest};
    auto config = load(guest);
    const bool is_machine = guest.kind == Kind::qemu;
    if (!is_machine) check_lock(guest, config);
    if (!digest.empty() && digest != config.digest) {
        throw CommandError{is_machine ? "checksum mismatch (file change by other user?)\n"
                                      : "detected modified configuration - file changed by other user? Try again.\n"};
    }
    if (!is_machine) return update_container(guest, config, options, deletes);
    if (!skips_lock) check_lock(guest, config);
    // Recorded: one write for each of them.
    for (const auto& key : deletes) {
        if (ask_to_delete(guest, config, key)) save(guest, config);
    }
    say("update VM " + guest.id() + ": " + shown(call) + "\n");
    for (const auto& [key, value] : options) {
        ask_to_set(config, key, value);
        save(guest, config);
    }

    config = load(guest);
    if (drop_unchanged(config)) save(guest, config);
    if (!is_machine_running(guest)) {
        apply_pending(guest, config);
        return;
    }
    std::string lines;
    for (const auto& [key, why] : hotplug_pending(guest, config)) lines += key + ": " + why + "\n";
    if (!lines.empty()) throw ParameterError{lines};
}

bool apply_pending(const Guest& guest, ConfigFile& config) {
    if (config.pending.is_empty()) return false;
    for (const auto& key : pending_deletes(config.pending))
        drop(config.main, key.starts_with('!') ? key.substr(1) : key);
    for (const auto& key : pending_keys(config.pending)) settle(config, key);
    config.pending = {};
    save(guest, config);
    return true;
}

}  // namespace fip::sim::pve
