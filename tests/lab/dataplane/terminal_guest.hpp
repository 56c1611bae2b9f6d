#pragma once

#include "lab/lab_host.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace fip::test {

/// A guest of domain_xml() whose console takes commands. It lives on with its host.
///
/// @throws std::runtime_error  libvirt refuses, or the guest does not answer in time
class TerminalGuest {
public:
    struct Pings {
        std::uint64_t sent = 0;      ///< Whose fate is known.
        std::uint64_t received = 0;  ///< sent - received are lost.
        [[nodiscard]] std::uint64_t lost() const { return sent - received; }
    };

    /// Defines it, with a terminal, and starts it.
    TerminalGuest(LabHost& host, GuestXml guest);
    /// One that runs already, made with GuestXml::has_terminal. It may reboot and be reset, but not start anew.
    TerminalGuest(LabHost& host, std::string name);
    ~TerminalGuest();
    TerminalGuest(const TerminalGuest&) = delete;
    TerminalGuest& operator=(const TerminalGuest&) = delete;

    void wait_until_ready(std::chrono::milliseconds limit = 60s) const;
    [[nodiscard]] bool shows(const std::string& text, std::chrono::milliseconds limit = 20s) const;
    [[nodiscard]] std::string console() const;

    /// A line of shell, run to its end. Both outputs come in `out`, with what else the console said meanwhile.
    Result run(const std::string& command, std::chrono::milliseconds limit = 20s);
    void say(const std::string& line);  ///< Without an answer: "poweroff".

    /// The last that keep-pinging has printed about `address`; empty: nothing yet.
    [[nodiscard]] std::optional<Pings> pings(const std::string& address) const;
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    void connect();
    void drain() const;

    LabHost& host_;
    std::string name_;
    int terminal_ = -1;
};
}  // namespace fip::test
