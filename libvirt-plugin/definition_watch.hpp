#pragma once

#include "tasks.hpp"

#include <filesystem>
#include <string>

namespace fip::plugin {

/// libvirt sends no event when a NIC is attached to or detached from a stored definition (`--config`): its file tells.
/// Only an accelerator: a missed change is found by the next comparison. Needs the event loop.
class DefinitionWatch {
public:
    /// Without inotify (its limits are the host's): no effect.
    DefinitionWatch(const std::filesystem::path& folder, Tasks& tasks, const std::string& uri);
    ~DefinitionWatch();
    DefinitionWatch(const DefinitionWatch&) = delete;
    DefinitionWatch& operator=(const DefinitionWatch&) = delete;

private:
    int handle_ = -1;
};

}  // namespace fip::plugin
