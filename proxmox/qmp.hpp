#pragma once

#include "core/mac.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

namespace fip::proxmox {

/// The guest's QEMU does not answer, or refuses.
class QmpError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A few words with a VM's QEMU (QMP), all of them within `limit` of wall time. QEMU serves one client at a time, and
/// qemu-server wants to be served too: an object lives for as short as possible.
class Qmp {
public:
    /// Connects, as soon as nobody else is served, and shakes hands. @throws QmpError
    explicit Qmp(const std::filesystem::path& socket,
                 std::chrono::milliseconds limit = std::chrono::milliseconds{3000});
    ~Qmp();
    Qmp(const Qmp&) = delete;
    Qmp& operator=(const Qmp&) = delete;

    [[nodiscard]] std::string status();  ///< "running", "paused", "prelaunch", ... (query-status)
    void stop();
    void cont();
    /// What the guest sees: every NIC that it has, by its id ("net0").
    [[nodiscard]] std::map<std::string, Mac> nics();

private:
    struct Answer;
    [[nodiscard]] std::string line();
    [[nodiscard]] Answer ask(const std::string& command);

    int file_ = -1;
    std::chrono::steady_clock::time_point end_;
    std::string buffer_;
};

}  // namespace fip::proxmox
