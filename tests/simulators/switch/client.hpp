#pragma once

#include "support/process.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// The provider's switch beside a test. Ends with the object.
///
/// @throws std::runtime_error  from every call: it does not start, or the control socket refuses
class SwitchSim {
public:
    struct Options {
        std::string folder;                ///< Of the test's own; the control socket lies there.
        std::string account;               ///< State file of the provider's simulator; it may come later.
        std::vector<std::string> ports{};  ///< "NAME=DEVICE[,server=ADDRESS,mac=MAC]"
        pid_t inside = 0;                  ///< Command::inside: the namespace with the devices.
    };

    struct Exhibit {
        std::string mac;
        std::string ethertype;  ///< "0x0806"
        std::chrono::system_clock::time_point at;
        std::string start;    ///< The first 64 bytes, in hex.
        std::string claimed;  ///< The sender's IPv4 address; empty: none.
    };

    /// One port since it was plugged in or reset. Words as in the switch's README.
    struct Port {
        std::string state;  ///< "open", "closed", "unplugged"
        std::optional<Exhibit> closed_by{};
        std::optional<Exhibit> last_spoofed{};
        std::uint64_t received = 0, sent = 0, refused = 0, withheld = 0, unreadable = 0, unsent = 0, lost = 0;
        std::uint64_t spoofed = 0;
        std::map<std::string, std::uint64_t> frames{};  ///< By source MAC.

        [[nodiscard]] bool is_open() const { return state == "open"; }
    };

    explicit SwitchSim(const Options& options);

    void plug(const std::string& port);
    void open(const std::string& port);
    void reset();

    void pause();  ///< The switch gets no time, as on a busy machine; its control does not answer. Frames wait.
    void resume();

    [[nodiscard]] boost::json::object status() const;
    [[nodiscard]] Port port(const std::string& name) const;
    /// Frames that the switch itself has lost on any port: there must be none.
    [[nodiscard]] std::uint64_t lost() const;
    [[nodiscard]] std::uint64_t registered_macs() const;  ///< As the switch knows them.
    [[nodiscard]] std::string story() const;              ///< For a failed test.

private:
    [[nodiscard]] boost::json::object ask(const std::string& line) const;

    std::string socket_;
    std::unique_ptr<Process> process_;
};
}  // namespace fip::test
