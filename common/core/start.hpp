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

struct StartFacts {
    const Guest& guest;
    const Settings& settings;
    std::vector<Lease> leases;  ///< Of the guest, held; reservations for its name.
    std::map<Mac, MacFacts> macs;
    std::string waiting;    ///< Why it waits for an address; empty: it does not.
    std::string operation;  ///< "restore" or "migrate" when one was announced for it; else empty.
    bool is_held_back = false;
};

enum class StartAnswer {
    good,      ///< Nothing to say.
    hopeless,  ///< Trying again will not help before a person acted.
    retry,     ///< The daemon puts it right: try again.
};

struct StartVerdict {
    StartAnswer answer = StartAnswer::good;
    std::string text;  ///< What, why, and the command that helps: one line, without the guest's name; empty when good.
};

[[nodiscard]] StartVerdict may_start(const StartFacts& facts);

}  // namespace fip
