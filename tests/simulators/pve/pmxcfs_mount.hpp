#pragma once

#include "simulators/pve/cluster_tree.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace fip::sim::pve {

struct Switches {
    std::atomic<bool> hang{false};   ///< No file system request is answered.
    std::atomic<bool> stale{false};  ///< `.vmlist` and its like may be cut off where they ended a second ago.
};

/// Where to mount: "[PID:]FOLDER[=NODE]". PID: in the mount namespace of that process.
struct Place {
    std::string pid;
    std::string folder;
    std::string node;

    [[nodiscard]] static Place parse(const std::string& text, const std::string& default_node);
};

/// The tree as kernels see it: FUSE mounts with the options and the cache times of pmxcfs, one for each node.
/// One thread serves each of them, one request at a time.
class Mounts {
public:
    Mounts(ClusterTree& tree, const Switches& switches) : tree_{tree}, switches_{switches} {}

    /// @throws std::exception  it cannot be mounted
    void add(const Place& place);
    /// The plain folder below is seen again. Of a place that is not there: no effect.
    void remove(const std::string& folder);
    void remove_all();

private:
    ClusterTree& tree_;
    const Switches& switches_;
    std::vector<Place> places_;
};

}  // namespace fip::sim::pve
