#include "lab/kill/kill_ground.hpp"

#include "lab/preload.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/wait_until.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <tuple>

namespace fip::test {
namespace {

namespace fs = std::filesystem;

constexpr auto clock_file = "/run/failover-ip-clock";
constexpr auto server_mac = "aa:bb:cc:00:11:22";  // as the simulator tells it

struct FreeDomain {
    void operator()(virDomainPtr domain) const noexcept { virDomainFree(domain); }
};
using Domain = std::unique_ptr<virDomain, FreeDomain>;

[[noreturn]] void fail(const std::string& what) {
    const auto* error = virGetLastError();
    throw std::runtime_error{what + ": " + (error != nullptr && error->message != nullptr ? error->message : "?")};
}

std::vector<std::string> macs_in(const std::string& xml) {
    constexpr std::string_view opening = "<mac address='";
    std::vector<std::string> found;
    for (auto at = xml.find(opening); at != xml.npos; at = xml.find(opening, at + 1)) {
        found.push_back(xml.substr(at + opening.size(), 17));
    }
    return found;
}

std::string text_of(const boost::json::value& entry, const char* key) {
    const auto* text = entry.at(key).if_string();
    return text == nullptr ? std::string{} : std::string{*text};
}

std::string mac_of(const Lease& lease) {
    return lease.mac ? lease.mac->text() : std::string{};
}

/// What a dead daemon left. Read from a copy: whoever opens a store also mends it, and that is the next daemon's part.
std::vector<Lease> rows_left_in(const std::string& folder) {
    const TempDir dir;
    const auto copy = dir / "store";
    fs::copy(folder, copy, fs::copy_options::recursive);
    std::vector<Lease> all;
    if (!fs::exists(copy + "/leases.db")) return all;
    const store::SqliteLeaseStore store{copy + "/leases.db", 5s, store::Access::existing};
    store.read([&](const Rows& rows) { all = rows.leases.all(""); });
    return all;
}

/// Store, account and definitions of one moment, and what is wrong between them.
class Comparison {
public:
    Comparison(const DaemonLab& lab, std::vector<Defined> guests, std::vector<Lease> rows)
        : guests_{std::move(guests)}, options_{lab.options}, account_{lab.provider.state()}, rows_{std::move(rows)} {
        for (const auto& [address, entry] : account_.at("addresses").as_object()) {
            if (auto mac = text_of(entry, "mac"); !mac.empty()) account_macs_.insert(std::move(mac));
        }
    }

    Wrongs at_once() {
        for_each_address([&](const std::string& address, const Lease* row, const auto& mac, const auto& reverse) {
            if (!mac.empty() && (row == nullptr || (mac_of(*row) != mac && !row->is_mac_asked)))
                wrong(address + " has the MAC " + mac + " at the provider, and no intent says why");
            if (!reverse.empty() && (row == nullptr || row->hostname + "." != reverse))
                wrong(address + " is named " + reverse + ", and no row says why");
        });
        check_holders();
        for (const auto& guest : guests_) {
            for (const auto& mac : guest.macs) {
                if (!is_own(mac) && !account_macs_.contains(mac))
                    wrong(guest.name + " wears " + mac + ", which the provider does not know");
            }
        }
        return std::move(wrongs_);
    }

    Wrongs when_quiet() {
        for (const auto& row : rows_) {
            if (row.state != LeaseState::active && row.state != LeaseState::warm)
                wrong(row.address.text() + " is still " + std::string{name_of(row.state)});
        }
        for_each_address([&](const std::string& address, const Lease* row, const auto& mac, const auto& reverse) {
            const auto wanted = row == nullptr ? std::string{} : mac_of(*row);
            if (mac != wanted) wrong(address + " has the MAC \"" + mac + "\", the store says \"" + wanted + "\"");
            const auto name = row == nullptr || row->hostname.empty() ? std::string{} : row->hostname + ".";
            if (reverse != name) wrong(address + " is named \"" + reverse + "\", the store says \"" + name + "\"");
            if (row != nullptr && row->state == LeaseState::active && row->rdns != RdnsState::set)
                wrong(address + "'s name is still " + std::string{name_of(row->rdns)});
        });
        check_holders();
        check_guests();
        check_running();
        check_stock();
        return std::move(wrongs_);
    }

private:
    void wrong(std::string what) { wrongs_.push_back(std::move(what)); }
    static bool is_own(const std::string& mac) { return mac.rfind(own_mac_prefix, 0) == 0; }

    template <typename Visit>
    void for_each_address(Visit visit) {
        for (const auto& [key, entry] : account_.at("addresses").as_object()) {
            const std::string address{key};
            const auto row = std::ranges::find(rows_, Address::parse(address), &Lease::address);
            visit(address, row == rows_.end() ? nullptr : &*row, text_of(entry, "mac"), text_of(entry, "reverse"));
        }
    }

    /// A NIC has an address once, a MAC is one NIC's.
    void check_holders() {
        std::set<std::tuple<std::string, std::string, int>> places;
        std::map<std::string, std::pair<std::string, std::string>> wearers;
        for (const auto& row : rows_) {
            if (!is_held(row.state) || !row.guest) continue;
            if (!places.insert({row.guest->value, row.slot, row.ordinal}).second)
                wrong(row.guest_name + " holds two addresses in one place");
            if (!row.mac) continue;
            const std::pair nic{row.guest->value, row.slot};
            if (const auto [at, is_new] = wearers.insert({row.mac->text(), nic}); !is_new && at->second != nic)
                wrong(row.mac->text() + " is leased to two NICs");
        }
    }

    /// Every lease is worn, by the guest that holds it; a NIC without one waits only while nothing is free.
    void check_guests() {
        for (const auto& row : rows_) {
            if (!is_held(row.state)) continue;
            const auto holder = std::ranges::find(guests_, row.guest ? row.guest->value : "", &Defined::uuid);
            if (holder == guests_.end()) {
                wrong(row.address.text() + " is held by " + row.guest_name + ", which is gone");
            } else if (std::ranges::find(holder->macs, mac_of(row)) == holder->macs.end()) {
                wrong(row.guest_name + " does not wear " + mac_of(row));
            }
        }
        for (const auto& guest : guests_) {
            for (const auto& mac : guest.macs) {
                const bool is_served = std::ranges::any_of(rows_, [&](const Lease& row) {
                    return is_held(row.state) && row.guest && row.guest->value == guest.uuid && mac_of(row) == mac;
                });
                if (is_served) continue;
                if (!is_own(mac)) wrong(guest.name + " wears " + mac + " without a lease");
                if (held() < options_.addresses.size()) wrong(guest.name + " is not served");
            }
        }
    }

    /// Nobody is left paused, or without a NIC. A wrong MAC only stays where its guest was out of its firmware before
    /// somebody could do something about it: then the NIC is the one that it started with.
    void check_running() {
        for (const auto& guest : guests_) {
            if (guest.state == "shut off") continue;
            if (guest.state != "running") wrong(guest.name + " is left " + guest.state);
            if (guest.live_macs.size() != guest.macs.size()) wrong(guest.name + " has lost a NIC");
            for (const auto& mac : guest.live_macs) {
                const bool is_right = std::ranges::find(guest.macs, mac) != guest.macs.end();
                if (!is_right && !is_own(mac)) wrong(guest.name + " runs with the MAC " + mac);
            }
        }
    }

    void check_stock() {
        const auto warm = static_cast<std::size_t>(std::ranges::count(rows_, LeaseState::warm, &Lease::state));
        const auto wanted = std::min(static_cast<std::size_t>(options_.warm), options_.addresses.size() - held());
        if (warm != wanted) wrong(std::to_string(warm) + " addresses are warm, not " + std::to_string(wanted));
    }

    [[nodiscard]] std::size_t held() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(rows_, [](const Lease& row) { return is_held(row.state); }));
    }

    std::vector<Defined> guests_;  // read before the account: a MAC is in a guest only while it is in the account
    const DaemonLab::Options& options_;
    boost::json::object account_;
    std::vector<Lease> rows_;
    std::set<std::string> account_macs_;
    Wrongs wrongs_;
};

void read_running(virDomainPtr domain, Defined& guest) {
    int state = VIR_DOMAIN_SHUTOFF;
    int reason = 0;
    virDomainGetState(domain, &state, &reason, 0);
    guest.state = state == VIR_DOMAIN_RUNNING ? "running" : state == VIR_DOMAIN_PAUSED ? "paused" : "shut off";
    if (guest.state == "shut off") return;
    const std::unique_ptr<char, decltype(&std::free)> xml{virDomainGetXMLDesc(domain, 0), &std::free};
    if (xml) guest.live_macs = macs_in(xml.get());
}

}  // namespace

struct KillGround::Libvirt {
    explicit Libvirt(const std::string& uri) {
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // it prints each error by itself otherwise
        connection = virConnectOpen(uri.c_str());
        if (connection == nullptr) fail(uri);
    }
    ~Libvirt() { virConnectClose(connection); }
    Libvirt(const Libvirt&) = delete;
    Libvirt& operator=(const Libvirt&) = delete;

    virConnectPtr connection = nullptr;
};

struct KillGround::Saved {
    TempDir folder;
    boost::json::object account;
    std::vector<std::string> definitions;
};

KillGround::KillGround(DaemonLab::Options options)
    : lab{std::move(options)}, libvirt_{std::make_unique<Libvirt>(lab.host.uri())} {
    reset_clock();
}

KillGround::~KillGround() = default;

void KillGround::define(const std::string& xml) {
    const Domain domain{virDomainDefineXMLFlags(libvirt_->connection, xml.c_str(), 0)};
    if (!domain) fail("define");
}

void KillGround::define_and_start(const std::string& xml) {
    const Domain domain{virDomainDefineXMLFlags(libvirt_->connection, xml.c_str(), 0)};
    if (!domain || virDomainCreate(domain.get()) != 0) fail("define and start");
}

void KillGround::lay_uplink() {
    const std::vector<std::vector<std::string>> steps{
        {"ip", "link", "add", "up0", "type", "veth", "peer", "name", "far0"},
        {"ip", "link", "set", "up0", "address", server_mac},
        {"ip", "link", "set", "up0", "master", "br0", "up"},
        {"ip", "link", "set", "far0", "up"},
        {"ip", "link", "set", "br0", "address", server_mac}};
    for (const auto& step : steps) {
        const auto result = lab.host.exec(step);
        if (result.exit_code != 0) throw std::runtime_error{step[2] + ": " + result.err};
    }
    lab.options.pool_lines = "uplinks = [\"up0\"]\n";
    has_uplink_ = true;
}

void KillGround::undefine(const std::string& name) {
    const Domain domain{virDomainLookupByName(libvirt_->connection, name.c_str())};
    if (domain && virDomainIsActive(domain.get()) == 1 && virDomainDestroy(domain.get()) != 0) fail("destroy " + name);
    if (domain && virDomainUndefine(domain.get()) != 0) fail("undefine " + name);
}

std::vector<Defined> KillGround::guests() const {
    virDomainPtr* list = nullptr;
    const int count = virConnectListAllDomains(libvirt_->connection, &list, VIR_CONNECT_LIST_DOMAINS_PERSISTENT);
    if (count < 0) fail("list");
    std::vector<Defined> all;
    for (int i = 0; i < count; ++i) {
        const Domain domain{list[i]};
        Defined guest;
        guest.name = virDomainGetName(domain.get());
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        virDomainGetUUIDString(domain.get(), uuid);
        guest.uuid = uuid;
        const std::unique_ptr<char, decltype(&std::free)> xml{
            virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE), &std::free};
        if (!xml) continue;  // undefined since it was listed
        guest.xml = xml.get();
        guest.macs = macs_in(guest.xml);
        read_running(domain.get(), guest);
        all.push_back(std::move(guest));
    }
    std::free(list);
    return all;
}

void KillGround::use(Pace pace) {
    lab.options.interval = pace == Pace::patient ? "60s" : "250ms";
    lab.options.grace = pace == Pace::patient ? "10m" : "200ms";
    lab.write_config();
}

Process KillGround::spawn_daemon(std::map<std::string, std::string> environment, bool is_to_be_killed) {
    environment["FIP_CLOCK_FILE"] = clock_file;
    environment = preload(Preload::clock_shift, std::move(environment));
    if (is_to_be_killed) environment["LD_PRELOAD"] += ":" + preload(Preload::kill_at, {})["LD_PRELOAD"];
    return lab.host.spawn({FIP_BIN "/failover-ip-libvirt"}, std::move(environment));
}

bool KillGround::is_at_work(const Process& daemon) const {
    if (daemon.err().find("libvirt-connected: ") == std::string::npos) return false;
    const store::SqliteLeaseStore store{store_folder() + "/leases.db", 5s, store::Access::existing};
    bool has_looked = false;
    store.read([&](const Rows& rows) { has_looked = !rows.guests.value("first-run-noted").empty(); });
    return has_looked;
}

void KillGround::move_clock(std::chrono::seconds by) {
    shift_ += by;
    // Renamed: the daemon never reads half a number.
    const auto fresh = std::string{clock_file} + ".new";
    lab.host.write(fresh, std::to_string(shift_.count()) + " 0\n");
    fs::rename(lab.host.path(fresh), lab.host.path(clock_file));
}

void KillGround::reset_clock() {
    move_clock(-shift_);
}

std::string KillGround::store_folder() const {
    return lab.host.path("/var/lib/failover-ip");
}

void KillGround::save() {
    saved_ = std::make_unique<Saved>();
    fs::copy(store_folder(), saved_->folder / "store", fs::copy_options::recursive);
    saved_->account = lab.provider.state();
    for (const auto& guest : guests()) saved_->definitions.push_back(guest.xml);
}

void KillGround::restore() {
    for (const auto& guest : guests()) undefine(guest.name);
    for (const auto& xml : saved_->definitions) define(xml);
    for (const auto& entry : fs::directory_iterator{store_folder()}) fs::remove_all(entry.path());
    fs::copy(saved_->folder / "store", store_folder(), fs::copy_options::recursive);
    lab.provider.put_state(saved_->account);
    if (has_uplink_) {
        const auto up = lab.host.exec({FIP_BIN "/failover-ip", "guard", "up"});
        if (up.exit_code != 0) throw std::runtime_error{"guard up: " + up.err};
    }
    reset_clock();
}

/// Rule 3: whatever the kernel lets out the provider knows.
Wrongs KillGround::wrong_in_kernel() {
    if (!has_uplink_) return {};
    const auto listed = lab.host.exec({"nft", "-j", "list", "set", "bridge", "failover_ip", "registered"});
    if (listed.exit_code != 0) return {"the guard is not up: " + listed.err};
    const auto account = boost::json::serialize(lab.provider.state());
    Wrongs wrongs;
    for (auto at = listed.out.find("\"52:54:00:"); at != listed.out.npos; at = listed.out.find("\"52:54:00:", at + 1)) {
        const auto mac = listed.out.substr(at, 19);
        if (account.find(mac) == account.npos) wrongs.push_back("the kernel lets out " + mac + ", which was deleted");
    }
    return wrongs;
}

Wrongs KillGround::wrong_at_once() {
    auto wrongs = Comparison{lab, guests(), rows_left_in(store_folder())}.at_once();
    for (auto& each : wrong_in_kernel()) wrongs.push_back(std::move(each));
    return wrongs;
}

Wrongs KillGround::wrong_when_quiet() const {
    auto here = guests();
    return Comparison{lab, std::move(here), lab.rows()}.when_quiet();
}

Wrongs KillGround::settle(std::chrono::milliseconds limit) {
    using Steady = std::chrono::steady_clock;
    constexpr auto holds = 300ms;
    auto move_at = Steady::now() + 1s;
    auto good_since = Steady::now();
    Wrongs wrongs;
    static_cast<void>(wait_until(
        [&] {
            wrongs = wrong_when_quiet();
            if (!wrongs.empty()) good_since = Steady::now();
            if (!wrongs.empty() && Steady::now() >= move_at) {
                move_clock(61s);
                move_at = Steady::now() + 500ms;
            }
            return Steady::now() - good_since >= holds;
        },
        limit));
    return wrongs;
}

std::string joined(const Wrongs& wrongs) {
    std::string text;
    for (const auto& each : wrongs) text += each + "\n";
    return text;
}

IdleGuest own_guest(int number, int nics) {
    IdleGuest guest;
    guest.name = "web" + std::to_string(number);
    guest.uuid = numbered_uuid(number);
    for (int nic = 0; nic < nics; ++nic) {
        char mac[18];
        std::snprintf(mac, sizeof mac, "%s00:00:00:%02x:%02x", own_mac_prefix, static_cast<unsigned>(number & 0xff),
                      static_cast<unsigned>(nic & 0xff));
        guest.interfaces.push_back(bridge_nic(mac));
    }
    return guest;
}

}  // namespace fip::test
