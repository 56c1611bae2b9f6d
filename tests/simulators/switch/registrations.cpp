#include "simulators/switch/registrations.hpp"

#include "core/mac.hpp"

#include <boost/json.hpp>

#include <time.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fip::sim {
namespace {

namespace json = boost::json;

constexpr auto memory_of_deleted = std::chrono::seconds{10};

Ipv4 ipv4_of(const Address& address) {
    Ipv4 bytes{};
    std::copy_n(address.bytes().begin(), bytes.size(), bytes.begin());
    return bytes;
}

bool is_same_file(const struct stat& one, const struct stat& other) {
    return one.st_ino == other.st_ino && one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
           one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

// How far the times of files lag behind those of frames: 1 to 10 ms.
Moment::duration kernel_tick() {
    timespec tick{};
    ::clock_getres(CLOCK_REALTIME_COARSE, &tick);
    return std::chrono::nanoseconds{tick.tv_nsec};
}

Moment changed_at(const struct stat& file) {
    return Moment{std::chrono::duration_cast<Moment::duration>(std::chrono::seconds{file.st_mtim.tv_sec} +
                                                               std::chrono::nanoseconds{file.st_mtim.tv_nsec})};
}

}  // namespace

Registrations::Table Registrations::parse(const std::string& text) {
    const auto state = json::parse(text).as_object();
    std::map<std::int64_t, Address> servers;
    Table table;
    for (const auto& row : state.at("servers").as_array()) {
        const auto address = Address::parse(row.at("address").as_string());
        servers.emplace(row.at("id").as_int64(), address);
        table.of_hosts[address].insert(ipv4_of(address));
    }
    for (const auto& [name, row] : state.at("addresses").as_object()) {
        const auto* id = row.at("server").if_int64();
        const auto address = Address::parse(name);
        if (id == nullptr || !address.is_v4()) continue;
        const auto& server = servers.at(*id);
        if (const auto* mac = row.at("mac").if_string()) {
            const auto source = Mac::parse(*mac).bytes();
            table.addresses[{server, source}].insert(ipv4_of(address));
            table.servers.insert_or_assign(source, server);
        } else {
            table.of_hosts[server].insert(ipv4_of(address));
        }
    }
    return table;
}

void Registrations::refresh() {
    struct stat now {};
    if (::stat(file_.c_str(), &now) != 0 || is_same_file(now, seen_)) return;
    std::ifstream in{file_, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    try {
        replace(parse(text), changed_at(now));
        error_.clear();
        seen_ = now;  // if it was renamed away in between, the next look sees that
        ++reads_;
    } catch (const std::exception& failure) {
        error_ = failure.what();
    }
}

void Registrations::replace(Table next, Moment changed) {
    for (const auto& [sender, addresses] : table_.addresses) {
        if (!next.addresses.contains(sender)) deleted_[sender] = changed;
    }
    std::erase_if(deleted_, [&](const auto& entry) { return entry.second + memory_of_deleted < changed; });
    table_ = std::move(next);
}

bool Registrations::may_send(const Address& server, const EthernetAddress& mac, Moment arrived) const {
    const Sender sender{server, mac};
    if (table_.addresses.contains(sender)) return true;
    const auto deleted = deleted_.find(sender);
    return deleted != deleted_.end() && arrived < deleted->second + kernel_tick();
}

bool Registrations::owns(const Address& server, const EthernetAddress& mac, const Ipv4& address) const {
    const auto found = table_.addresses.find(Sender{server, mac});
    return found != table_.addresses.end() && found->second.contains(address);
}

bool Registrations::host_owns(const Address& server, const Ipv4& address) const {
    const auto found = table_.of_hosts.find(server);
    return found != table_.of_hosts.end() && found->second.contains(address);
}

const Address* Registrations::server_of(const EthernetAddress& mac) const {
    const auto found = table_.servers.find(mac);
    return found == table_.servers.end() ? nullptr : &found->second;
}

}  // namespace fip::sim
