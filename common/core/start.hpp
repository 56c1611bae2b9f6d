#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/provider_facts.hpp"
#include "core/settings.hpp"

#include <map>
#include <string>
#include <vector>

namespace fip {

/// What the store knows about one MAC that a starting guest wears.
struct MacFacts {
    std::vector<Lease> leases;                ///< That have this MAC; any state.
    std::optional<ProviderAddress> provider;  ///< Address that the provider has it for.
    std::string provider_server;              ///< How that provider names this server.
};

/// How a start under Proxmox comes about.
struct StartManner {
    std::string lock;           ///< In its config: nothing may be written under it; empty: none.
    bool is_migration = false;  ///< An incoming live migration: it still runs on the other node, which has its config.
};

struct StartFacts {
    const Guest& guest;
    const Settings& settings;
    std::vector<Lease> leases;  ///< Of the guest, held; reservations for its name.
    std::map<Mac, MacFacts> macs;
    std::string waiting;    ///< Why it waits for an address; empty: it does not.
    std::string operation;  ///< "restore" or "migrate" when one was announced for it; else empty.
    bool is_held_back = false;
    StartManner manner{};
};

enum class StartAnswer {
    good,      ///< Nothing to say.
    hopeless,  ///< Trying again will not help before a person acted.
    retry,     ///< The daemon puts it right: try again.
    /// libvirt: its NIC can be put right when it has started: with an address for it, the guard up and the daemon
    /// there. Proxmox: its config can be put right now, for its next start.
    late,
    moving,   ///< Proxmox: its address is to be moved here. It may start when it is, or behind the guard.
    guarded,  ///< It may run behind the guard, and nothing will be put right; without the guard it may not.
};

struct StartVerdict {
    StartAnswer answer = StartAnswer::good;
    std::string text;  ///< What, why, and the command that helps: one line, without the guest's name; empty when good.
    std::vector<std::string> bridges{};  ///< late, moving, guarded: where the guard must be up.
};

/// The verdict on the worst NIC; of several that are wrong, with the bridges of all.
[[nodiscard]] StartVerdict may_start(const StartFacts& facts);

}  // namespace fip
