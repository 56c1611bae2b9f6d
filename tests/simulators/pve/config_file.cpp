#include "simulators/pve/config_file.hpp"

#include "simulators/pve/text.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <utility>

namespace fip::sim::pve {
namespace {

const std::set<std::string> fast_plug_options{"description",   "hookscript", "lock",   "migrate_downtime",
                                              "migrate_speed", "name",       "onboot", "protection",
                                              "shares",        "startup",    "tags",   "vmstatestorage"};

const std::set<std::string> qemu_options{"acpi",
                                         "affinity",
                                         "agent",
                                         "allow-ksm",
                                         "amd-sev",
                                         "arch",
                                         "args",
                                         "autostart",
                                         "balloon",
                                         "bios",
                                         "boot",
                                         "bootdisk",
                                         "cdrom",
                                         "cicustom",
                                         "cipassword",
                                         "citype",
                                         "ciupgrade",
                                         "ciuser",
                                         "cores",
                                         "cpu",
                                         "cpulimit",
                                         "cpuunits",
                                         "description",
                                         "freeze",
                                         "hookscript",
                                         "hotplug",
                                         "hugepages",
                                         "intel-tdx",
                                         "ivshmem",
                                         "keephugepages",
                                         "keyboard",
                                         "kvm",
                                         "localtime",
                                         "lock",
                                         "machine",
                                         "memory",
                                         "meta",
                                         "migrate_downtime",
                                         "migrate_speed",
                                         "name",
                                         "nameserver",
                                         "numa",
                                         "onboot",
                                         "ostype",
                                         "parent",
                                         "protection",
                                         "reboot",
                                         "runningcpu",
                                         "runningmachine",
                                         "running-nets-host-mtu",
                                         "scsihw",
                                         "searchdomain",
                                         "shares",
                                         "smbios1",
                                         "smp",
                                         "snapstate",
                                         "snaptime",
                                         "sockets",
                                         "spice_enhancements",
                                         "sshkeys",
                                         "startdate",
                                         "startup",
                                         "tablet",
                                         "tags",
                                         "tdf",
                                         "template",
                                         "vcpus",
                                         "vga",
                                         "vmgenid",
                                         "vmstate",
                                         "vmstatestorage",
                                         "watchdog",
                                         "delete"};
const std::set<std::string> qemu_numbered{"audio",    "efidisk",  "hostpci", "ide",    "ipconfig", "net",
                                          "numa",     "parallel", "rng",     "sata",   "scsi",     "serial",
                                          "tpmstate", "unused",   "usb",     "virtio", "virtiofs"};

// A value of the LXC grammar is kept even when PVE does not like it.
const std::regex qemu_line{R"(([a-z][a-z_-]*\d*):\s*(.+?)\s*)"};
const std::regex lxc_line{R"(([a-z][a-z_]*\d*):\s*(\S.*?)?\s*)"};
const std::regex lxc_raw_line{R"((lxc\.[a-z0-9_.-]+)(:|=)\s*(.*?)\s*)"};
const std::regex head{R"(\[(.+)\]\s*)"};
const std::regex snapshot_name{R"([a-z][a-z0-9_-]+)", std::regex::icase};

const char* pending_head(Kind kind) {
    return kind == Kind::qemu ? "PENDING" : "pve:pending";
}

std::vector<std::string> description_lines(const std::string& text) {
    auto lines = split(text, '\n');
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

std::string print_section(const Section& section, bool is_pending) {
    std::string text;
    const auto lines = description_lines(section.description);
    for (const auto& line : lines) text += "#" + encode_text(line) + "\n";
    // facts 2.2: a lone # in the pending section means that the description is cleared.
    if (is_pending && section.has_description && lines.empty()) text += "#\n";
    for (const auto& [key, value] : section.values) text += key + ": " + value + "\n";
    for (const auto& line : section.raw) text += line + "\n";
    return text;
}

class Parser {
public:
    Parser(Kind kind, int vmid, const Warn& warn) : kind_{kind}, vmid_{vmid}, warn_{warn} {}

    ConfigFile parse(const std::string& text) {
        section_ = &config_.main;
        for (const auto& line : split(text, '\n')) read(line);
        finish(config_.main);
        finish(config_.pending);
        for (auto& [name, section] : config_.snapshots) finish(section);
        config_.digest = sha1_hex(text);
        return std::move(config_);
    }

private:
    void read(const std::string& line) {
        std::smatch match;
        if (trimmed(line).empty()) return;
        if (std::regex_match(line, match, head)) return open(match[1]);
        if (section_ == nullptr) return;
        if (line.starts_with('#')) {
            section_->description += trimmed_right(decode_text(line.substr(1))) + "\n";
            section_->has_description = true;
        } else if (kind_ == Kind::lxc && std::regex_match(line, match, lxc_raw_line)) {
            section_->raw.push_back(match[1].str() + ": " + match[3].str());
        } else if (std::regex_match(line, match, kind_ == Kind::qemu ? qemu_line : lxc_line)) {
            set(match[1], match[2]);
        } else {
            warn_(guest() + " - unable to parse config: " + line);
        }
    }

    // facts 2.2: a second section of the same name replaces the first; an unknown one is dropped.
    void open(const std::string& name) {
        section_ = nullptr;
        if (lower(name) == lower(pending_head(kind_))) {
            config_.pending = {};
            section_ = &config_.pending;
        } else if (lower(name).starts_with("special:")) {
            section_ = &(config_.special[lower(name)] = {});
        } else if (std::regex_match(name, snapshot_name)) {
            if (config_.snapshots.contains(name)) warn_(guest() + " - duplicate section: " + name);
            section_ = &(config_.snapshots[name] = {});
        } else {
            warn_(guest() + " - unable to parse section: " + name);
        }
    }

    // facts 2.2, 2.4: an unknown key of a VM is lost at the next write, a container's is kept.
    void set(const std::string& key, const std::string& value) {
        if (key == "description") {
            section_->description += decode_text(value) + "\n";
            section_->has_description = true;
        } else if (is_option(kind_, key)) {
            section_->values[key] = value;
        } else {
            warn_(guest() + " - unable to parse value of '" + key + "' - unknown setting '" + key + "'");
            if (kind_ == Kind::lxc) section_->values[key] = value;
        }
    }

    static void finish(Section& section) {
        while (!section.description.empty() &&
               std::isspace(static_cast<unsigned char>(section.description.back())) != 0) {
            section.description.pop_back();
        }
    }

    static std::string trimmed_right(std::string text) {
        while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
        return text;
    }

    [[nodiscard]] std::string guest() const { return "vm " + std::to_string(vmid_); }

    Kind kind_;
    int vmid_;
    const Warn& warn_;
    ConfigFile config_;
    Section* section_ = nullptr;
};

}  // namespace

std::string Section::get(const std::string& key) const {
    const auto found = values.find(key);
    return found == values.end() ? "" : found->second;
}

ConfigFile parse_config(Kind kind, int vmid, const std::string& text, const Warn& warn) {
    return Parser{kind, vmid, warn}.parse(text);
}

// Order: facts 2.2.
std::string print_config(Kind kind, const ConfigFile& config) {
    auto text = print_section(config.main, false);
    if (!config.pending.is_empty()) {
        text += std::string{"\n["} + pending_head(kind) + "]\n" + print_section(config.pending, true);
    }
    for (const auto* group : {&config.special, &config.snapshots}) {
        for (const auto& [name, section] : *group) text += "\n[" + name + "]\n" + print_section(section, false);
    }
    return text;
}

bool is_option(Kind kind, const std::string& key) {
    if (kind == Kind::lxc) return true;  // the container parser keeps what it does not know
    if (qemu_options.contains(key)) return true;
    const auto digits = key.find_first_of("0123456789");
    return digits != key.npos && qemu_numbered.contains(key.substr(0, digits)) && number(key.substr(digits));
}

bool is_fast_plug(Kind kind, const std::string& key) {
    // qemu-server's $confdesc_cloudinit: in the config at once, on the drive at the next start.
    constexpr std::string_view cloud_init[] = {"cicustom", "cipassword", "citype",  "ciupgrade",
                                               "ciuser",   "nameserver", "sshkeys", "searchdomain"};
    const bool is_cloud_init =
        key.starts_with("ipconfig") || std::ranges::find(cloud_init, key) != std::end(cloud_init);
    return fast_plug_options.contains(key) || (kind == Kind::qemu && is_cloud_init) ||
           (kind == Kind::lxc &&
            (key == "hostname" || key == "cores" || key == "memory" || key == "swap" || key == "nameserver"));
}

}  // namespace fip::sim::pve
