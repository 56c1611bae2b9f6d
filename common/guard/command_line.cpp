#include "guard/command_line.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

namespace fip::guard {
namespace {

namespace json = boost::json;

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// QEMU's "key=value,key=value"; a comma in a value is doubled.
std::vector<std::string> comma_parts(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',') {
            parts.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            parts.back() += text[++i];
        } else {
            parts.emplace_back();
        }
    }
    return parts;
}

std::string value_of(const std::vector<std::string>& parts, std::string_view key) {
    for (const auto& part : parts) {
        if (part.starts_with(key) && part.size() > key.size() && part[key.size()] == '=') {
            return part.substr(key.size() + 1);
        }
    }
    return {};
}

// libvirt gives QEMU JSON since 7.0, others the comma form.
struct NetworkDevice {
    std::string id, tap, file;
};

NetworkDevice read_netdev(std::string_view argument) {
    if (!argument.starts_with('{')) {
        const auto parts = comma_parts(argument);
        return {value_of(parts, "id"), value_of(parts, "ifname"), value_of(parts, "fd")};
    }
    json::error_code wrong;
    const auto value = json::parse(argument, wrong);
    if (wrong || !value.is_object()) return {};
    const auto text = [&](std::string_view key) {
        const auto* member = value.get_object().if_contains(key);
        return member != nullptr && member->is_string() ? std::string{member->get_string()} : std::string{};
    };
    return {text("id"), text("ifname"), text("fd")};
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "machine-qemu\x2d1\x2dweb.scope" -> "machine-qemu-1-web"
std::string scope_name(std::string_view part) {
    constexpr std::string_view end = ".scope";
    part.remove_suffix(end.size());
    std::string name;
    while (!part.empty()) {
        const bool is_dash = part.starts_with("\\x2d");
        name += is_dash ? '-' : part.front();
        part.remove_prefix(is_dash ? 4 : 1);
    }
    return name;
}

std::optional<ContainerName> read_scope(const std::string& name) {
    struct Kind {
        std::string_view prefix, by;
    };
    constexpr std::array kinds{Kind{"docker-", "docker"}, Kind{"libpod-", "podman"},
                               Kind{"cri-containerd-", "containerd"}, Kind{"crio-", "kubernetes"}};
    for (const auto& kind : kinds) {
        const auto id = std::string_view{name}.substr(std::min(name.size(), kind.prefix.size()));
        if (name.starts_with(kind.prefix) && id.size() == 64 && is_hex(id)) {
            return ContainerName{std::string{id.substr(0, 12)}, std::string{kind.by}};
        }
    }
    constexpr std::string_view libvirt = "machine-lxc-";
    if (name.starts_with(libvirt)) {
        const auto dash = name.find('-', libvirt.size());  // after the number
        if (dash != std::string::npos) return ContainerName{name.substr(dash + 1), "libvirt"};
    }
    constexpr std::string_view machine = "machine-";
    if (name.starts_with(machine) && !name.starts_with("machine-qemu-")) {
        return ContainerName{name.substr(machine.size()), "nspawn"};
    }
    return {};
}

}  // namespace

std::vector<std::string> command_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find('\0'), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

std::optional<std::string> option_value(const std::vector<std::string>& words, std::string_view option) {
    const auto found = std::find(words.begin(), words.end(), option);
    if (found == words.end() || found + 1 == words.end()) return {};
    return *(found + 1);
}

std::optional<std::string> qemu_guest(const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const auto program = last_part(words.front());
    if (!program.starts_with("qemu") && program != "kvm") return {};
    const auto argument = option_value(words, "-name");
    if (!argument) return std::string{};
    const auto parts = comma_parts(*argument);
    const auto named = value_of(parts, "guest");
    if (!named.empty()) return named;
    return parts.front().find('=') == std::string::npos ? parts.front() : std::string{};
}

std::string qemu_nic(const std::vector<std::string>& words, std::string_view tap, std::string_view file) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] != "-netdev" && words[i] != "-nic") continue;
        const auto device = read_netdev(words[i + 1]);
        const bool is_it = device.tap.empty() ? !file.empty() && device.file == file : device.tap == tap;
        if (!is_it) continue;
        constexpr std::string_view libvirt = "host";  // "hostnet0" is the other end of "net0"
        return device.id.starts_with(libvirt) ? device.id.substr(libvirt.size()) : device.id;
    }
    return {};
}

std::optional<ContainerName> container_of(std::string_view cgroup) {
    while (!cgroup.empty()) {
        const auto end = std::min(cgroup.find('\n'), cgroup.size());
        auto line = cgroup.substr(0, end);
        cgroup.remove_prefix(std::min(end + 1, cgroup.size()));
        std::string_view before;
        while (!line.empty()) {
            const auto slash = std::min(line.find('/'), line.size());
            const auto part = line.substr(0, slash);
            line.remove_prefix(std::min(slash + 1, line.size()));
            if (part.ends_with(".scope")) {
                if (auto name = read_scope(scope_name(part))) return name;
            }
            if (part.starts_with("lxc.payload.")) return ContainerName{std::string{part.substr(12)}, "lxc"};
            if (before == "lxc" && !part.empty()) return ContainerName{std::string{part}, "lxc"};
            const bool is_id = part.size() == 64 && is_hex(part);
            if (is_id && before == "docker") return ContainerName{std::string{part.substr(0, 12)}, "docker"};
            if (is_id && before.starts_with("pod")) return ContainerName{std::string{part.substr(0, 12)}, "kubernetes"};
            before = part;
        }
    }
    return {};
}

}  // namespace fip::guard
