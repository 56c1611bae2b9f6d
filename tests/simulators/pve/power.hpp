#pragma once

#include "simulators/pve/node.hpp"

#include <string>

namespace fip::sim::pve {

// Starts and ends of guests: the locks, hooks and writes in the order of facts 1.2 to 1.5.

struct PowerOptions {
    bool skips_lock = false;
    std::string migrated_from;  ///< `qm start --migratedfrom`: the source of a live migration.
};

void start_guest(const Guest& guest, const PowerOptions& options);
void stop_guest(const Guest& guest, const PowerOptions& options);
void shut_down_guest(const Guest& guest, const PowerOptions& options, int seconds, bool forces);
void reboot_guest(const Guest& guest);
void suspend_guest(const Guest& guest, bool to_disk);
void resume_guest(const Guest& guest);

/// What qmeventd runs when a guest's process has ended.
void clean_up_guest(const Guest& guest);
/// A backup; a stopped VM is started for it, paused (facts 1.4).
void back_up_guest(const Guest& guest);
/// The stop inside a rollback, by whoever holds the lock.
void stop_for_rollback(const Guest& guest, const ConfigFile& config);

}  // namespace fip::sim::pve
