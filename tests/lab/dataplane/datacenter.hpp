#pragma once

#include "lab/lab_host.hpp"
#include "simulators/switch/client.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// The provider's network in a namespace of its own: a switch, and a gateway that is 62.210.0.1 and knows every
/// failover IP on-link. Lab hosts are servers at the switch's ports. Gone without a trace with the object or the test.
///
/// @throws std::runtime_error  with the words of the program that failed
class Datacenter {
public:
    static constexpr auto gateway = "62.210.0.1";
    static constexpr auto gateway_port = "gateway";

    /// How a server hangs at the switch.
    struct Uplink {
        std::string port = "server1";
        std::string server = "192.0.2.10";      ///< Its main address at the provider, on its bridge.
        std::string mac = "02:00:00:00:10:0a";  ///< Of the network card, which its bridge wears too.
        std::string device = "up0";
        std::string bridge = "br0";
    };

    /// @param account  state file of the provider's simulator
    explicit Datacenter(const std::string& account);

    /// Lays the cable, gives the host its address and routes. Of the same port again: after a reboot, or
    /// with a new cable.
    void attach(LabHost& host, const Uplink& uplink);

    [[nodiscard]] SwitchSim& fabric() { return *fabric_; }

    /// Run to the end beside the gateway: "the internet".
    Result exec(std::vector<std::string> argv, std::string input = {}, std::chrono::milliseconds limit = 60s);
    [[nodiscard]] Process spawn(std::vector<std::string> argv);
    [[nodiscard]] pid_t init_pid() const { return init_pid_; }

private:
    void must(std::vector<std::string> argv, std::string input = {});
    void set(const std::string& name, const std::string& value);
    void make_gateway();

    TempDir dir_;
    Process namespace_;
    pid_t init_pid_ = 0;
    std::optional<SwitchSim> fabric_;
};

/// Static programs, for namespaces as for guests: what they do is at the top of their sources.
[[nodiscard]] std::string send_frames_program();
[[nodiscard]] std::string keep_pinging_program();

}  // namespace fip::test
