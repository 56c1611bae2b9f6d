#pragma once

#include "guest_config.hpp"
#include "world.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace fip::proxmox {

/// `pre-start`, as Proxmox calls it.
struct StartCall {
    int vmid = 0;
    std::string migrated_from;  ///< PVE_MIGRATED_FROM: the node that a live migration comes from; empty: none.
    bool is_rollback = false;   ///< It goes on with the memory of a snapshot (PVE::AbstractConfig::snapshot_rollback).
};

struct StartWorld {
    const hooks::World& hook;
    std::filesystem::path pve;
    /// One start of the guest, soon, by somebody else. False: nobody.
    std::function<bool(GuestType type, int vmid)> queue_start;
};

struct StartReply {
    bool may_start = true;
    std::string line;  ///< For the task log, whole; empty: nothing to say.
};

/// The answer to `pre-start`. The caller holds the config's lock and waits: nothing here waits for anything that needs
/// that lock, and the config of a guest whose start is refused is written directly.
[[nodiscard]] StartReply on_start(const StartCall& call, const StartWorld& world);

}  // namespace fip::proxmox
