#pragma once

#include "core/mac.hpp"
#include "guard/process_tree.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fip::guard {

/// A network namespace that is not ours.
struct NetNamespace {
    std::string name;              ///< In /run/netns; empty: it has none there.
    ProcessTree::Process process;  ///< The first one in it; empty: none.
    std::filesystem::path path;    ///< Opens it.
};

/// Those with a name or a process, at most 1,024.
[[nodiscard]] std::vector<NetNamespace> other_namespaces(const ProcessTree& processes,
                                                         const std::filesystem::path& run);

/// The one with the other end of this device (a veth); null: it is here, or nobody knows.
[[nodiscard]] const NetNamespace* peer_namespace(const std::vector<NetNamespace>& all, const std::string& device);

/// The one that has a device with this MAC; null: none.
[[nodiscard]] const NetNamespace* namespace_wearing(const std::vector<NetNamespace>& all, const Mac& mac);

}  // namespace fip::guard
