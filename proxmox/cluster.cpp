#include "cluster.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "origin.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <sys/stat.h>

#include <sstream>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t most_list = std::size_t{16} << 20;  // some 200,000 guests

std::optional<std::string> text_of(const fs::path& file, std::size_t most) {
    try {
        auto read = config::read_file(file, most, config::Access::anybody);
        if (read.is_missing) return {};
        return std::move(read.text);
    } catch (const InputError& unreadable) {
        throw GuestsUnavailable{unreadable.what()};
    }
}

json::object object_in(const fs::path& file, const std::string& text) {
    json::error_code error;
    auto value = json::parse(text, error);
    if (error || !value.is_object()) throw GuestsUnavailable{file.string() + " cannot be understood"};
    return std::move(value.as_object());
}

std::int64_t number_in(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr) return 0;
    if (value->is_int64()) return value->get_int64();
    return value->is_uint64() ? static_cast<std::int64_t>(value->get_uint64()) : 0;
}

std::string text_in(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

ListedGuest listed(const fs::path& file, const json::value& value) {
    if (!value.is_object()) throw GuestsUnavailable{file.string() + " cannot be understood"};
    const auto& object = value.get_object();
    const auto type = text_in(object, "type");
    ListedGuest guest{text_in(object, "node"), type == "lxc" ? GuestType::container : GuestType::vm,
                      number_in(object, "version")};
    if (!is_folder_name(guest.node) || (type != "lxc" && type != "qemu")) {
        throw GuestsUnavailable{file.string() + " cannot be understood"};
    }
    return guest;
}

constexpr const char* folder_of(GuestType type) {
    return type == GuestType::vm ? "qemu-server" : "lxc";
}

}  // namespace

std::optional<ClusterStamp> Cluster::stamp() const {
    const auto file = root_ / ".version";
    const auto text = text_of(file, most_list);
    if (!text) return {};
    const auto object = object_in(file, *text);
    return ClusterStamp{number_in(object, "starttime"), number_in(object, "vmlist")};
}

GuestList Cluster::guests() const {
    const auto file = root_ / ".vmlist";
    const auto text = text_of(file, most_list);
    if (!text) throw GuestsUnavailable{"pmxcfs is not running: " + file.string() + " is not there"};
    GuestList guests;
    const auto object = object_in(file, *text);
    const auto* ids = object.if_contains("ids");  // absent without guests
    if (ids == nullptr || !ids->is_object()) return guests;
    for (const auto& [key, value] : ids->get_object()) {
        const auto vmid = parse_vmid(key);
        if (!vmid) throw GuestsUnavailable{file.string() + " cannot be understood"};
        guests.emplace(*vmid, listed(file, value));
    }
    return guests;
}

bool Cluster::is_quorate() const {
    struct stat local {};
    return ::lstat((root_ / "local").c_str(), &local) == 0 && (local.st_mode & S_IWUSR) != 0;
}

std::string Cluster::local_node() const {
    return local_node_of(root_);
}

std::set<std::string> Cluster::nodes() const {
    std::set<std::string> names{local_node()};
    const auto file = root_ / ".members";
    const auto text = text_of(file, most_list);
    if (!text) return names;
    const auto object = object_in(file, *text);
    if (const auto* list = object.if_contains("nodelist"); list != nullptr && list->is_object()) {
        for (const auto& [name, value] : list->get_object()) names.emplace(name);
    }
    return names;
}

std::string Cluster::origin() const {
    return origin_of(root_);
}

fs::path Cluster::config_file(int vmid, const ListedGuest& guest) const {
    return root_ / "nodes" / guest.node / folder_of(guest.type) / (std::to_string(vmid) + ".conf");
}

std::optional<std::string> Cluster::read_config(int vmid, const ListedGuest& guest) const {
    return text_of(config_file(vmid, guest), GuestConfig::most_bytes);
}

bool Cluster::is_ha_managed(int vmid) const {
    const auto text = text_of(root_ / "ha" / "resources.cfg", most_list);
    std::istringstream lines{text.value_or("")};
    const auto wanted = "vm:" + std::to_string(vmid);  // a section's head, "vm: 100"
    bool is_its = false, is_managed = false;
    for (std::string line; std::getline(lines, line);) {
        std::erase_if(line, [](char c) { return blanks.find(c) != blanks.npos; });
        if (line == wanted) {
            is_its = is_managed = true;
        } else if (line.empty()) {
            is_its = false;
        } else if (is_its && line == "stateignored") {
            is_managed = false;
        }
    }
    return is_managed;
}

bool Cluster::has_file_of(int vmid) const {
    std::error_code error;
    fs::directory_iterator nodes{root_ / "nodes", error};
    if (error) throw GuestsUnavailable{"pmxcfs is not running: " + (root_ / "nodes").string() + " is not there"};
    for (; nodes != fs::directory_iterator{}; nodes.increment(error)) {
        for (const auto type : {GuestType::vm, GuestType::container}) {
            const auto file = nodes->path() / folder_of(type) / (std::to_string(vmid) + ".conf");
            if (fs::exists(file, error)) return true;
            if (error && error != std::errc::no_such_file_or_directory) throw GuestsUnavailable{error.message()};
        }
    }
    if (error) throw GuestsUnavailable{error.message()};  // it went while it was read
    return false;
}

}  // namespace fip::proxmox
