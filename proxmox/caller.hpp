#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace fip::proxmox {

/// A process that led to this one works for a task of that type, "qmrollback": Proxmox' workers are called
/// "task UPID:NODE:...:TYPE:..." (PVE::RESTEnvironment::fork_worker). Looks at the nearest few; a guest's own
/// hookscript may stand between. What cannot be read is no task.
[[nodiscard]] bool is_called_by(std::string_view task_type, pid_t parent,
                                const std::filesystem::path& proc = "/proc") noexcept;

}  // namespace fip::proxmox
