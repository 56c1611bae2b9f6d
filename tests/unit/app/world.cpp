#include "world.hpp"

#include <algorithm>

namespace fip::test {

Settings simple_settings() {
    Settings settings;
    settings.host_name = "hv1";
    ProviderSettings provider;
    provider.name = "dedibox";
    provider.type = "online";
    provider.server = this_server;
    settings.providers["dedibox"] = provider;
    PoolSettings pool;
    pool.name = "public";
    pool.provider = "dedibox";
    pool.bridges = {"br0"};
    pool.hostname = "{name}.vm.example.com";
    settings.pools["public"] = pool;
    return settings;
}

World::World(Settings wanted) : settings{std::move(wanted)} {
    for (const auto& [name, provider] : settings.providers) {
        ProviderTraits known;
        known.gateway = Address::parse("62.210.0.1");
        if (provider.type == "manual") known = {false, false, {}, 32};
        traits[name] = known;
    }
    account->server = this_server;
    account->before_effect = [this](ApiCall call) {
        fuse.before();
        watch(call);
    };
    account->after_effect = [this](ApiCall call) {
        if (call == ApiCall::revoke_mac) check_revoke();
        fuse.after();
    };
    guests.before_write = [this] { fuse.before(); };
    guests.after_write = [this] { fuse.after(); };
}

Context World::context() {
    return {settings, traits, store, clock, [this] { return random_ = random_ * 6364136223846793005ULL + 1; }};
}

ProviderAccess World::access() {
    const auto& name = settings.providers.begin()->first;
    if (traits.at(name).has_api) return {name, &api_, &rdns_, {}};
    return {name, nullptr, nullptr, [this] {
                std::vector<ProviderAddress> known;
                for (const auto& fixed : settings.providers.begin()->second.fixed) {
                    known.push_back({fixed.address, settings.providers.begin()->second.server, fixed.mac, {}, 0});
                }
                return known;
            }};
}

void World::add_addresses(int count) {
    for (int i = 1; i <= count; ++i) account->add("203.0.113." + std::to_string(i), this_server);
}

void World::watch(ApiCall call) {
    if (call != ApiCall::revoke_mac) return;
    macs_before_.clear();
    for (const auto& [address, entry] : account->addresses) macs_before_[address] = entry.mac;
}

/// Rule 2: the MAC that has just been deleted was worn by no guest.
void World::check_revoke() {
    for (const auto& [address, entry] : account->addresses) {
        const auto before = macs_before_[address];
        if (!before || entry.mac) continue;
        const bool is_still_there = std::any_of(account->addresses.begin(), account->addresses.end(),
                                                [&](const auto& other) { return other.second.mac == before; });
        if (is_still_there) continue;
        for (const auto& [id, guest] : guests.all()) {
            const auto wears = [&](const Nic& nic) { return nic.mac == before; };
            if (std::any_of(guest.nics.begin(), guest.nics.end(), wears) ||
                std::any_of(guest.live_nics.begin(), guest.live_nics.end(), wears)) {
                wrongs.push_back("the MAC " + before->text() + " of " + address.text() + " was deleted while " +
                                 guest.name + " wears it");
            }
        }
    }
}

void World::take_note(const Looked& looked) {
    log.insert(log.end(), looked.happenings.begin(), looked.happenings.end());
}

void World::look(const GuestId& guest) {
    const auto found = guests.find(guest);
    if (!found) return;
    note_first_run(context(), guests);
    take_note(look_at(context(), guests, *found));
}

void World::heard_gone(const GuestId& guest) {
    if (guests.find(guest)) return look(guest);
    take_note(guest_ended(context(), guest));
}

Settled World::settle_once(Sync sync) {
    auto settled = settle(context(), access(), lock, sync, std::chrono::seconds{5}, [] { return false; });
    log.insert(log.end(), settled.happenings.begin(), settled.happenings.end());
    return settled;
}

void World::run_until_quiet(std::chrono::milliseconds patience) {
    const auto end = clock.now().boot + patience;
    for (int round = 0; round < 200; ++round) {
        const auto settled = settle_once();
        for (const auto& guest : settled.guests) look(guest);
        if (settled.may_have_freed) {
            for (const auto& guest : waiting_guests(context())) look(guest);
        }
        if (!settled.guests.empty() || settled.may_have_freed) continue;
        if (!settled.next) return;
        const auto pause =
            std::max<std::chrono::milliseconds>(*settled.next - clock.now().wall, std::chrono::milliseconds{200});
        if (clock.now().boot + pause > end) return;
        clock.advance(pause);
    }
    wrongs.push_back("it never becomes quiet");
}

LookedAtAll World::compare(Permission permission) {
    for (const auto& guest : waiting_guests(context())) look(guest);
    auto all = look_at_all(context(), guests, Effects::apply, permission);
    take_note(all);
    return all;
}

void World::start_daemon() {
    note_first_run(context(), guests);
    run_until_quiet();
}

std::vector<Lease> World::leases() {
    std::vector<Lease> all;
    disk.read([&](const Rows& rows) { all = rows.leases.all(""); });
    return all;
}

std::vector<Lease> World::held() {
    auto all = leases();
    std::erase_if(all, [](const Lease& lease) { return !is_held(lease.state); });
    return all;
}

std::vector<Lease> World::held_by(const GuestId& guest) {
    std::vector<Lease> all;
    disk.read([&](const Rows& rows) { all = rows.leases.of_guest(guest); });
    std::erase_if(all, [](const Lease& lease) { return !is_held(lease.state); });
    return all;
}

std::optional<Lease> World::row(const std::string& address) {
    std::optional<Lease> found;
    disk.read([&](const Rows& rows) { found = rows.leases.find(Address::parse(address)); });
    return found;
}

std::vector<GuestNote> World::notes(NoteKind kind) {
    std::vector<GuestNote> notes;
    disk.read([&](const Rows& rows) { notes = rows.guests.notes(kind); });
    return notes;
}

Mac World::mac_of(const GuestId& guest, std::size_t nic) {
    return *guests.at(guest).nics.at(nic).mac;
}

std::string World::broken_rule() {
    if (!wrongs.empty()) return wrongs.front();
    std::map<Mac, std::string> wearers;
    for (const auto& lease : leases()) {
        const auto& entry = account->addresses.at(lease.address);
        const auto name = lease.address.text() + " (" + std::string{name_of(lease.state)} + ")";
        const bool has_confirmed = lease.state == LeaseState::active || lease.state == LeaseState::warm;
        if (has_confirmed && entry.mac != lease.mac) return name + " has another MAC at the provider";
        if (lease.state != LeaseState::active || !lease.guest) continue;
        if (!guests.has(*lease.guest)) return name + " belongs to a guest that is gone";
        const auto wearer = lease.guest->value + "/" + lease.slot;
        const auto [first, is_new] = wearers.emplace(*lease.mac, wearer);
        if (!is_new && first->second != wearer) return name + " has the MAC of another NIC";
        if (lease.rdns == RdnsState::set && entry.reverse != lease.hostname) return name + " is named " + entry.reverse;
    }
    for (const auto& [address, entry] : account->addresses) {
        const auto lease = row(address.text());
        const bool is_idle = !lease || lease->state == LeaseState::cooling;
        if (entry.server != this_server || !is_idle || moved.contains(address)) continue;
        if (entry.mac && entry.mac->text() < "52:54:00:f0") return address.text() + ": its MAC leaked";
        if (!entry.reverse.empty()) return address.text() + ": its name leaked";
    }
    for (const auto& [id, guest] : guests.all()) {
        if (!guest.is_persistent) continue;  // nothing can be written any more
        for (const auto& record : guest.records) {
            const auto lease = record.addresses.empty() ? std::nullopt : row(record.addresses.front().address.text());
            if (!lease || lease->state != LeaseState::active) continue;  // what is away stays on record as it was
            const bool is_known = std::any_of(account->addresses.begin(), account->addresses.end(),
                                              [&](const auto& row) { return row.second.mac == record.mac; });
            if (!is_known) return guest.name + " wears " + record.mac.text() + ", which the provider does not know";
        }
    }
    return {};
}

std::string texts(const std::vector<Happening>& log) {
    std::string text;
    for (const auto& line : log) {
        text += line.id + " " + line.guest_name + " " + (line.address ? line.address->text() : "-") + ": " + line.text +
                "\n";
    }
    return text;
}

}  // namespace fip::test
