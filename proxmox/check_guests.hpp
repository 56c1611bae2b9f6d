#pragma once

#include "core/guest.hpp"
#include "core/settings.hpp"
#include "doctor/check.hpp"

#include <set>
#include <string>
#include <vector>

namespace fip::proxmox {

/// A guest of the cluster, for the doctor.
struct SeenGuest {
    int vmid = 0;
    Guest guest;
    std::string hookscript;  ///< As its config has it; empty: none.
    bool is_on_this_node = false;
};

/// What the store knows, for the doctor.
struct KnownMacs {
    std::set<Mac> here;       ///< Registered for addresses routed to this server, or made by ourselves.
    std::set<Mac> elsewhere;  ///< Registered for addresses routed to another server, or to none.
    bool was_read = false;    ///< Every provider was read completely at least once.
};

/// Guests of this node on a managed bridge that do not have our hookscript.
[[nodiscard]] doctor::Check check_hookscripts(const Settings& settings, const std::vector<SeenGuest>& guests);
/// MACs that several NICs of the cluster wear. Two of one guest are as bad.
[[nodiscard]] doctor::Check check_duplicates(const Settings& settings, const std::vector<SeenGuest>& guests);
/// Managed NICs of this node whose MAC is not registered at the provider.
[[nodiscard]] doctor::Check check_registered(const Settings& settings, const std::vector<SeenGuest>& guests,
                                             const KnownMacs& known);

}  // namespace fip::proxmox
