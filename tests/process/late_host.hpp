#pragma once

#include "cli_daemon.hpp"
#include "hook_guest.hpp"
#include "host_network.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace fip::test {

inline constexpr auto unknown_mac = "52:54:00:00:00:99";

/// A host with a network, a provider that was read in this boot, and addresses that are put into its store.
struct LateHost : CliHost {
    explicit LateHost(const std::string& more_of_pool = "") {
        configure(online_config() + "uplinks = [\"up0\"]\n" + more_of_pool);
        boot("11111111-1111-4111-8111-111111111111");
        ProviderStatus status;
        status.synced_at = WallTime{std::chrono::milliseconds{1}};
        status.synced_boot = "11111111-1111-4111-8111-111111111111";
        store().write([&](Rows& rows) { rows.provider.set_status("dedibox", status); });
    }

    void shorten_deadline() const { configure("[hook]\ndeadline = \"1500ms\"\n" + read_file(path("etc/config.toml"))); }
    /// What the provider has: address, and virtual MAC or "". One with a MAC that nobody holds yet is kept warm.
    void provide(const std::vector<std::pair<std::string, std::string>>& addresses) const {
        std::vector<ProviderAddress> list;
        for (const auto& [address, mac] : addresses) {
            ProviderAddress entry;
            entry.address = Address::parse(address);
            entry.server = "192.0.2.10";
            if (!mac.empty()) entry.mac = Mac::parse(mac);
            list.push_back(entry);
        }
        store().write([&](Rows& rows) {
            rows.provider.replace("dedibox", list);
            for (const auto& entry : list) {
                if (!entry.mac || rows.leases.find(entry.address)) continue;
                Lease lease;
                lease.address = entry.address;
                lease.provider = "dedibox";
                lease.pool = "public";
                lease.state = LeaseState::warm;
                lease.mac = entry.mac;
                rows.leases.put(lease);
            }
        });
    }
    void guard_up() const {
        const auto result = run({"failover-ip", "guard", "up"});
        CAPTURE(result.out, result.err);
        REQUIRE(result.exit_code == 0);
    }
    [[nodiscard]] std::vector<GuestNote> notes(NoteKind kind) const {
        std::vector<GuestNote> found;
        store().read([&](const Rows& rows) { found = rows.guests.notes(kind); });
        return found;
    }
    [[nodiscard]] CliDaemon daemon(CliDaemon::Manner manner = CliDaemon::Manner::answers) const {
        return {path("run/libvirt.sock"), manner};
    }

    HostNetwork network{*this};
};

inline Result start_with(const LateHost& host, const std::string& mac) {
    return call_hook(host, "prepare", domain_with(bridge_nic(mac)));
}

inline void check_passes(const Result& result) {
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.empty());
}

inline void check_refuses(const Result& result, const std::string& because) {
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_THAT(result.err,
               Catch::Matchers::StartsWith("failover-ip: web1 may not start: ") && Catch::Matchers::Contains(because));
    CHECK(result.err.find('\n') == result.err.size() - 1);
}

}  // namespace fip::test
