#pragma once

#include "simulators/pve/call.hpp"
#include "simulators/pve/node.hpp"

namespace fip::sim::pve {

// Commands that make, copy, change hands of and remove guests. Each takes the locks, writes the intermediate contents
// and keeps the order that facts 4.1 and 4.4 name.

void create_guest(const Guest& guest, Call call);
void clone_guest(const Guest& guest, int new_vmid, const Call& call);
void destroy_guest(const Guest& guest, const Call& call);
void restore_guest(const Guest& guest, const std::string& archive, const Call& call);
void make_template(const Guest& guest);
void unlock_guest(const Guest& guest);
void migrate_guest(const Guest& guest, const std::string& target, const Call& call);

void take_snapshot(const Guest& guest, const std::string& name, const Call& call);
void roll_back(const Guest& guest, const std::string& name);
void delete_snapshot(const Guest& guest, const std::string& name);

}  // namespace fip::sim::pve
