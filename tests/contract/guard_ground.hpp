#pragma once

#include "guard/nft_guard.hpp"
#include "guard_frames.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fip::test {

/// A raw socket on one device.
class Wire {
public:
    explicit Wire(const std::string& device);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    void send(const Frame& frame) const;
    /// What has arrived and was not read yet; not what this device sent.
    [[nodiscard]] std::vector<Frame> received() const;

private:
    int socket_;
};

/// The test program in network and mount namespaces of its own, with a bridge:
///
///     g0 ── p0 ┐
///     g1 ── p1 ┼ br0 ── up0 ── far0 (the provider's switch)
///
/// A guest sends on g0 or g1; what leaves by the uplink is seen at far0. Nothing in here talks by itself.
class GuardGround {
public:
    GuardGround();

    /// Did this frame arrive at the far end? Sent on `device`, and waited for until a frame that followed it came.
    [[nodiscard]] bool leaves(const Frame& frame, const std::string& device = "g0");

    static void ip(const std::string& arguments);  ///< Words, separated by spaces.
    static std::string nft(std::vector<std::string> arguments, std::string input = {});
    static void add_veth(const std::string& one, const std::string& other);
    static void add_port(const std::string& port, const std::string& far, const std::string& bridge = "br0");

    const Wire& wire(const std::string& device);
    void forget_wire(const std::string& device) { wires_.erase(device); }

private:
    std::map<std::string, std::unique_ptr<Wire>> wires_;
    std::uint32_t sent_ = 0;
};

/// br_netfilter, where the kernel has it: 1 hands bridged frames to iptables. A ground begins with 0.
void hand_to_iptables(int value);

inline const std::string host_mac = "02:00:00:00:00:01";
inline const std::string web_mac = "02:00:00:00:01:01";
inline const std::string mail_mac = "02:00:00:00:01:02";
inline const std::string foreign_mac = "02:00:00:00:66:66";

/// up0: the host's MAC, web with 192.0.2.10 and 2001:db8::10, mail with 192.0.2.20, 2001:db8:5::/48 for both.
[[nodiscard]] UplinkRules rules_of_up0(GuardMode mode = GuardMode::enforce);

}  // namespace fip::test
