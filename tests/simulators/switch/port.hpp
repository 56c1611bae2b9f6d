#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"
#include "simulators/switch/frame.hpp"
#include "simulators/switch/registrations.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fip::sim {

/// A descriptor that is closed with its owner.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_{number} {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

/// What hangs at a port: "NAME=DEVICE,server=ADDRESS,mac=MAC". The gateway has neither server nor MAC.
struct PortPlan {
    std::string name;
    std::string device;
    std::optional<Address> server{};
    std::optional<Mac> mac{};

    /// @throws InputError
    [[nodiscard]] static PortPlan parse(std::string_view text);
};

/// A frame worth remembering.
struct Exhibit {
    EthernetAddress mac{};
    std::uint16_t ethertype = 0;
    Moment at{};
    std::vector<std::uint8_t> start{};  ///< The first 64 bytes.
    std::optional<Ipv4> claimed{};
};

/// What a port has seen since it was plugged in or reset.
struct PortRecord {
    std::uint64_t received = 0;    ///< Everything that came, also while closed.
    std::uint64_t sent = 0;        ///< To the device.
    std::uint64_t refused = 0;     ///< Came while the port was closed.
    std::uint64_t withheld = 0;    ///< Was for this port while it was closed.
    std::uint64_t unreadable = 0;  ///< Too short, VLAN-tagged or not to be received at all.
    std::uint64_t unsent = 0;      ///< The kernel refused to send.
    std::uint64_t lost = 0;        ///< PACKET_STATISTICS: the kernel had no room to keep it for us.
    std::uint64_t spoofed = 0;     ///< With a sender's address that is not the MAC's.
    std::map<EthernetAddress, std::uint64_t> frames{};  ///< By source MAC; the first 1,024.
    std::optional<Exhibit> closed_by{};
    std::optional<Exhibit> last_spoofed{};
};

/// A network device as a port of the switch.
///
/// Frames come and go with their virtio header: a packet that the sender's kernel left unsegmented or without checksum
/// is handed on as it is, and nothing has to be switched off on the devices.
class Port {
public:
    struct Received {
        std::span<std::uint8_t> whole;  ///< Header and frame, as send() wants it.
        Bytes frame;
        Moment arrived;
        bool is_tagged = false;
    };
    enum class State { open, closed, unplugged };

    /// @throws std::system_error  there is no such device, or we may not
    explicit Port(PortPlan chosen);

    [[nodiscard]] int descriptor() const { return socket_.number(); }
    /// Empty: nothing there, or unplugged meanwhile.
    [[nodiscard]] std::optional<Received> receive(std::span<std::uint8_t> buffer);
    void send(std::span<const std::uint8_t> whole);
    void look();  ///< Counts what was lost, and sees whether the device is still there.

    PortPlan plan;
    PortRecord record{};
    State state = State::open;

private:
    void unplug();
    Descriptor socket_;
};
}  // namespace fip::sim
