#pragma once

#include "handles.hpp"
#include "tasks.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fip::plugin {

/// The thread in which libvirt reads its sockets and calls back. Make it before the first connection, one per process;
/// it outlives all connections.
class EventLoop {
public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

private:
    struct Stop;
    std::unique_ptr<Stop> stop_;
    std::thread thread_;
};

/// What happens to the guests of one connection becomes tasks, as long as the object lives. Callbacks only queue.
class Subscription {
public:
    /// @throws GuestsUnavailable
    Subscription(virConnectPtr connect, Tasks& tasks, const std::string& uri, std::uint64_t number);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

private:
    void cancel() noexcept;

    virConnectPtr connect_;
    std::vector<int> callbacks_;
};

}  // namespace fip::plugin
