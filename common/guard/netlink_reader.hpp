#pragma once

#include "guard/guard_event.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

struct nlmsghdr;
struct nlattr;

namespace fip::guard {

/// Netlink messages to events: no socket, so that hostile bytes can be tried. What it remembers is bounded; a message
/// that is cut or makes no sense is skipped.
class NetlinkReader {
public:
    using Clock = std::chrono::steady_clock;
    /// Name of the device with this index; empty: there is none.
    using DeviceName = std::function<std::string(std::uint32_t index)>;

    explicit NetlinkReader(DeviceName device_name) : device_name_{std::move(device_name)} {}

    void read(std::span<const std::byte> datagram, Clock::time_point now);
    void lose() { events_.emplace_back(EventsLost{}); }
    [[nodiscard]] std::vector<GuardEvent> take() { return std::exchange(events_, {}); }
    [[nodiscard]] bool is_full() const { return events_.size() >= most_events; }

private:
    static constexpr std::size_t most_events = 4096;
    static constexpr std::size_t most_devices = 16384;
    static constexpr std::size_t most_senders = 1024;

    struct Device {
        std::string name;
        std::string address;
        std::uint32_t bridge = 0;
        friend bool operator==(const Device&, const Device&) = default;
    };

    void read_message(const nlmsghdr& message, Clock::time_point now);
    void read_rules(const nlmsghdr& message);
    void read_generation(const nlmsghdr& message);
    void read_link(const nlmsghdr& message);
    void read_blocked(const nlmsghdr& message, Clock::time_point now);
    [[nodiscard]] bool was_told(const FrameBlocked& frame, Clock::time_point now);

    DeviceName device_name_;
    std::vector<GuardEvent> events_;
    bool is_ours_ = false;  // the batch that is being heard named one of our tables
    std::map<std::uint32_t, Device> devices_;
    std::map<std::pair<std::string, Mac>, Clock::time_point> told_;
};

}  // namespace fip::guard
