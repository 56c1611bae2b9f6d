#pragma once

#include "lab/dataplane/datacenter.hpp"
#include "lab/dataplane/terminal_guest.hpp"
#include "lab/libvirt/daemon_lab.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace fip::test {

/// A server at the provider's switch, with failover-ip on it as installed: daemon, hook, and a guard at uplink `up0`.
class GuardLab {
public:
    static constexpr auto uplink = "up0";
    static constexpr auto server_mac = "02:00:00:00:10:0a";

    struct Options {
        std::string guard = "enforce";
        DaemonLab::Options daemon{};
    };

    /// Who was stopped, as `guard status --json` says it.
    struct Stopped {
        std::string port, mac, kind, name, detail, sender;
        std::uint64_t frames = 0;
    };

    /// Everything but the daemon is up.
    GuardLab() : GuardLab{Options{}} {}
    explicit GuardLab(Options options);

    DaemonLab lab;
    Datacenter datacenter;

    void configure(const std::string& guard);
    void start_daemon() { lab.start_daemon(); }
    /// `failover-ip WORDS...`
    Result cli(std::vector<std::string> words);
    [[nodiscard]] boost::json::object status();
    [[nodiscard]] std::string state();  ///< Of the whole guard: "up", "down", ...
    [[nodiscard]] std::vector<Stopped> stopped();
    [[nodiscard]] bool has_last_wall();

    [[nodiscard]] SwitchSim& fabric() { return datacenter.fabric(); }
    [[nodiscard]] SwitchSim::Port port() { return fabric().port("server1"); }
    /// Nothing but what the provider knows has ever come by the uplink: REQUIREs it, and tells the story if not.
    void require_clean_wire();

    /// Defined with virsh, served, started, up, with its address on eth0 and the on-link gateway.
    TerminalGuest boot(const std::string& name, int number);
    [[nodiscard]] Lease lease_of(const std::string& guest);
    [[nodiscard]] Mac mac_of(const std::string& guest) { return *lease_of(guest).mac; }
    [[nodiscard]] std::string address_of(const std::string& guest) { return lease_of(guest).address.text(); }

    /// Of steps: throws with the program's words.
    Result must(std::vector<std::string> argv, std::string input = {});
    /// send-frames beside the test, inside the host.
    [[nodiscard]] Process send(std::vector<std::string> arguments);
    /// A port of the bridge whose other end is in a namespace made with `ip netns`. Its kernel says nothing by itself.
    void add_box(const std::string& name, const std::string& bridge = "br0");
    [[nodiscard]] std::string story();

private:
    void configure_guest(const std::string& name);
};

}  // namespace fip::test
