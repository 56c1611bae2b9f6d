#include "app/check_start.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

/// A host on which everything happens at random; after each quiet point the rules must hold.
class Storm {
public:
    enum class Console { quiet, busy };

    Storm(unsigned seed, Console console) : random_{seed}, console_{console} {
        host.settings.pools["public"].max_addresses = 3;
        host.add_addresses(5);
        host.account->add("203.0.113.6", {});
        host.account->add("203.0.113.7", other_server);
        host.start_daemon();
    }

    void step() {
        if (below(12) == 0) host.fuse.arm(below(6), below(2) == 0 ? Fuse::Moment::before : Fuse::Moment::after);
        if (below(10) == 0) host.account->fail_next(any_call(), any_fault());
        try {
            act();
            if (below(3) == 0) host.run_until_quiet();
        } catch (const Killed&) {
            story += "  killed\n";
        } catch (const GuestsUnavailable&) {
            story += "  hypervisor away\n";
        }
        host.fuse.disarm();
    }

    /// Faults end, and so much time passes that everything that was lost is made up for.
    void calm_down() {
        host.account->faults.clear();
        host.account->is_down = false;
        host.guests.is_down = false;
        host.guests.gap.clear();
        for (int round = 0; round < 4; ++round) {
            host.compare({true, true});
            host.run_until_quiet();
            host.clock.advance(11min);
            (void)host.settle_once();
        }
        host.clock.advance(61min);  // a refused name is tried again by then
        host.run_until_quiet();
        host.compare({true, true});
        host.run_until_quiet();
    }

    [[nodiscard]] std::string complaint() {
        for (const auto& [address, made] : foreign_) {
            if (host.account->addresses.at(address).mac != made) return address.text() + ": a person's MAC was deleted";
        }
        if (auto rule = host.broken_rule(); !rule.empty()) return rule;
        for (const auto& [id, guest] : host.guests.all()) {
            const auto leases = host.held_by(id);
            const auto waiting = host.notes(NoteKind::waiting);
            const bool is_waiting = std::any_of(waiting.begin(), waiting.end(),
                                                [&, &own = id](const auto& note) { return note.guest == own; });
            if (leases.empty() && !is_waiting && guest.is_persistent && !guest.nics.empty()) {
                return guest.name + " has neither address nor reason";
            }
            if (!leases.empty() && guest.is_persistent && guest.nics.size() == 1 &&
                leases.front().state == LeaseState::active && guest.nics[0].mac != leases.front().mac) {
                return guest.name + " does not wear its MAC";
            }
        }
        for (const auto& note : host.notes(NoteKind::waiting)) {
            if (!host.guests.has(note.guest)) return note.name + " waits and is gone";
        }
        return {};
    }

    World host;
    std::string story;

private:
    [[nodiscard]] int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    [[nodiscard]] GuestId any_guest() { return {GuestKind::libvirt, "u-" + std::to_string(below(6))}; }

    void tell(const std::string& what, const GuestId& guest) { story += what + " " + guest.value + "\n"; }

    ApiCall any_call() {
        constexpr ApiCall calls[] = {ApiCall::list,         ApiCall::route,      ApiCall::issue_mac,
                                     ApiCall::share_mac,    ApiCall::revoke_mac, ApiCall::set_reverse,
                                     ApiCall::reset_reverse};
        return calls[below(7)];
    }
    Fault any_fault() {
        constexpr Fault faults[] = {Fault::unavailable_before,
                                    Fault::unavailable_after,
                                    Fault::denied,
                                    Fault::busy,
                                    Fault::refused,
                                    Fault::already};
        return faults[below(6)];
    }

    void act() {
        const auto guest = any_guest();
        const bool is_there = host.guests.has(guest);
        if (console_ == Console::busy && below(8) == 0) return edit_in_console();
        switch (below(16)) {
        case 0:
        case 1:
        case 2:
            return is_there ? redefine(guest) : define(guest);
        case 3:
        case 4:
            return undefine(guest);
        case 5:
        case 6:
            return start(guest);
        case 7:
            return stop(guest);
        case 8:
            return change_nics(guest);
        case 9:
            tell("time", guest);
            return host.clock.advance(std::chrono::seconds{below(900)});
        case 10:
            tell("compare", guest);
            (void)host.compare();
            return;
        case 11:
            return jump();
        case 12:
            host.account->is_down = below(3) == 0;
            tell(host.account->is_down ? "provider down" : "provider up", guest);
            return;
        case 13:
            host.guests.gap = below(2) == 0 ? "a definition cannot be read" : "";
            tell("gap " + host.guests.gap, guest);
            return;
        case 14:
            return rename(guest);
        default:
            tell("settle", guest);
            (void)host.settle_once();
            return;
        }
    }

    void heard(const GuestId& guest, bool is_gone) {
        if (below(5) == 0) return;  // the daemon was away
        is_gone ? host.heard_gone(guest) : host.look(guest);
    }

    void define(const GuestId& guest) {
        Request request;
        request.addresses = below(4) == 0 ? 2 : 1;
        std::vector<Nic> nics;
        for (int i = 0; i <= (below(4) == 0 ? 1 : 0); ++i) nics.push_back(FakeGuests::nic("br0"));
        tell("define", guest);
        host.guests.define(guest.value, "vm" + guest.value.substr(2), nics, request);
        heard(guest, false);
    }

    void redefine(const GuestId& guest) {
        auto& now = host.guests.at(guest);
        if (!now.is_persistent || !now.request) return;
        tell("redefine", guest);
        now.request->addresses = 1 + below(2);
        heard(guest, false);
    }

    void undefine(const GuestId& guest) {
        if (!host.guests.has(guest)) return;
        tell("undefine", guest);
        host.guests.undefine(guest);
        heard(guest, true);
    }

    /// As the hook does it: refused while a MAC is not good.
    void start(const GuestId& guest) {
        if (!host.guests.has(guest) || host.guests.at(guest).is_running) return;
        if (check_start(host.context(), host.guests.at(guest)).answer != StartAnswer::good) return;
        tell("start", guest);
        host.guests.start(guest);
        if (console_ == Console::busy) return heard(guest, false);  // a MAC deleted a moment ago is not known yet
        for (const auto& nic : host.guests.at(guest).live_nics) {
            const bool is_known = std::any_of(host.account->addresses.begin(), host.account->addresses.end(),
                                              [&](const auto& row) { return row.second.mac == nic.mac; });
            if (!is_known) host.wrongs.push_back(guest.value + " started with an unregistered MAC");
        }
        heard(guest, false);
    }

    void stop(const GuestId& guest) {
        if (!host.guests.has(guest) || !host.guests.at(guest).is_running) return;
        tell("stop", guest);
        host.guests.stop(guest);
        heard(guest, true);
    }

    void change_nics(const GuestId& guest) {
        if (!host.guests.has(guest) || !host.guests.at(guest).is_persistent) return;
        auto nics = host.guests.at(guest).nics;
        const auto request = host.guests.at(guest).request;
        const auto name = host.guests.at(guest).name;
        switch (below(3)) {
        case 0:
            if (nics.size() > 1) nics.erase(nics.begin() + below(static_cast<int>(nics.size())));
            break;
        case 1:
            if (nics.size() < 3) nics.push_back(FakeGuests::nic("br0"));
            break;
        default:
            std::reverse(nics.begin(), nics.end());
        }
        tell("change NICs to " + std::to_string(nics.size()), guest);
        host.guests.define(guest.value, name, nics, request);
        heard(guest, false);
    }

    void jump() {
        const auto guest = any_guest();
        tell("clock", guest);
        if (below(2) == 0) return host.clock.reboot();
        host.clock.set_wall(host.clock.now().wall + std::chrono::hours{below(20) - 10});
    }

    void rename(const GuestId& guest) {
        if (!host.guests.has(guest) || host.guests.at(guest).is_running) return;
        tell("rename", guest);
        host.guests.rename(guest, "vm" + guest.value.substr(2) + "-" + std::to_string(below(3)));
        heard(guest, false);
    }

    /// What a person does at the provider, without telling us.
    void edit_in_console() {
        auto entry = host.account->addresses.begin();
        std::advance(entry, below(static_cast<int>(host.account->addresses.size())));
        auto& [address, facts] = *entry;
        const auto mac = facts.mac;
        const bool is_shared = std::count_if(host.account->addresses.begin(), host.account->addresses.end(),
                                             [&](const auto& row) { return mac && row.second.mac == mac; }) > 1;
        switch (below(4)) {
        case 0:
            if (facts.mac || host.row(address.text())) return;
            facts.mac = Mac::parse("52:54:00:f0:00:" + std::to_string(10 + made_++ % 90));
            foreign_[address] = facts.mac;
            story += "console: a MAC for " + address.text() + "\n";
            return;
        case 1:
            if (is_shared || foreign_.contains(address)) return;
            facts.mac.reset();
            story += "console: no MAC for " + address.text() + "\n";
            return;
        case 2:
            if (is_shared || foreign_.contains(address)) return;
            facts.server = below(3) == 0 ? std::nullopt : std::optional{below(2) == 0 ? this_server : other_server};
            host.moved.insert(address);
            story += "console: " + address.text() + " to " + facts.server.value_or("none") + "\n";
            return;
        default:
            facts.reverse = "person.example.com";
            host.moved.insert(address);
            story += "console: a name for " + address.text() + "\n";
        }
    }

    std::mt19937 random_;
    Console console_;
    int made_ = 0;
    std::map<Address, std::optional<Mac>> foreign_;
};

/// Some thousands of steps, or as many as fit in the time; FIP_SEED repeats one, FIP_SEEDS runs many.
void storm(Storm::Console console) {
    const char* chosen = std::getenv("FIP_SEED");
    const char* many = std::getenv("FIP_SEEDS");
    const unsigned first = chosen != nullptr ? static_cast<unsigned>(std::atoi(chosen)) : 1;
    const unsigned last = chosen != nullptr ? first : many != nullptr ? static_cast<unsigned>(std::atoi(many)) : 100;
    const auto end = std::chrono::steady_clock::now() + (many != nullptr ? 10min : 3s);
    for (unsigned seed = first; seed <= last && std::chrono::steady_clock::now() < end; ++seed) {
        Storm weather{seed, console};
        for (int i = 0; i < 60; ++i) {
            weather.step();
            if (i % 20 != 19) continue;
            weather.calm_down();
            INFO("repeat with FIP_SEED=" << seed << "\n" << weather.story);
            CAPTURE(texts(weather.host.log));
            REQUIRE(weather.complaint() == "");
        }
    }
}

}  // namespace

TEST_CASE("whatever happens in whatever order, the rules hold when it is quiet again") {
    storm(Storm::Console::quiet);
}

TEST_CASE("whatever a person does in the console meanwhile, the rules hold") {
    storm(Storm::Console::busy);
}
