#pragma once

#include "simulators/online/shared.hpp"

#include <memory>
#include <string>

namespace fip::sim {

/// One listening socket with its threads. Requests below /control go to the control endpoint, all others to the API.
class Web {
public:
    /// Listens on a TCP port; 0: any free one.
    /// @throws std::runtime_error  it cannot listen there
    Web(Shared& shared, const std::string& host, int port);
    /// Listens on a Unix socket, which reaches over the borders of network namespaces.
    Web(Shared& shared, const std::string& path);
    ~Web();  ///< Stops; waits for the threads. Wake the sleepers first.
    Web(const Web&) = delete;
    Web& operator=(const Web&) = delete;

    [[nodiscard]] int port() const;

private:
    struct Listener;
    std::unique_ptr<Listener> listener_;
};

}  // namespace fip::sim
