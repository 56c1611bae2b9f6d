#pragma once

#include "simulators/pve/cluster_tree.hpp"
#include "simulators/pve/pmxcfs_mount.hpp"

#include <string>

namespace fip::sim::pve {

/// A socket that listens at the path. @throws std::runtime_error  it cannot
int listen_for_control(const std::string& socket);

/// Answers one command per connection, for ever. What it changes, another node has changed: no inotify event is seen
/// (facts 4.1). `quorum|read-only|hang|stale on|off`, `node NAME`, `put PATH SIZE` and that many bytes, `rename FROM
/// TO`, `remove PATH`, `get PATH`, `mount PLACE`, `unmount [PID:]FOLDER`. The reply is `ok` and what was asked for, or
/// `error` and why.
void answer_forever(int listener, ClusterTree& tree, Switches& switches, Mounts& mounts);

}  // namespace fip::sim::pve
