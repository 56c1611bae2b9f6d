#pragma once

#include "support/process.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fip::test {

/// The simulator of the Online API beside a test. Ends with the object.
///
/// @throws std::runtime_error  from every call: it does not start, or the control endpoint refuses
class OnlineSimulator {
public:
    struct Options {
        std::string folder;  ///< Of the test's own; state, port and control socket lie there.
        std::vector<std::pair<std::int64_t, std::string>> servers{{11111, "192.0.2.10"}};
        /// Address and number of the server it is routed to; 0: to none.
        std::vector<std::pair<std::string, std::int64_t>> addresses{};
        std::string token = "dedi-token-for-tests-0123456789";
        double busy_seconds = 0;
        std::string listen = "127.0.0.1";
        pid_t inside = 0;  ///< Command::inside: runs in that process's namespaces, and is controlled from here.
        std::uint64_t seed = 1;
        std::map<std::int64_t, std::string> server_macs{};  ///< Of the network cards; others have a default.
    };

    /// One failover IP as the account has it.
    struct Entry {
        std::int64_t server = 0;
        std::string mac;      ///< Empty: none.
        std::string reverse;  ///< With its final dot; empty: the default name.
    };

    explicit OnlineSimulator(Options options);
    ~OnlineSimulator();
    OnlineSimulator(const OnlineSimulator&) = delete;
    OnlineSimulator& operator=(const OnlineSimulator&) = delete;

    [[nodiscard]] std::string endpoint() const;  ///< "http://127.0.0.1:PORT/api/v1"
    [[nodiscard]] const std::string& token() const { return options_.token; }

    /// Switches and faults: names and values as in the simulator's README.
    void set(const boost::json::object& switches);
    void fail(const boost::json::object& fault);
    void clear_faults();

    /// As a person in the console would: fields `server`, `mac`, `reverse`, `status`, `busy_until`.
    void edit(const std::string& address, const boost::json::object& fields);
    void remove(const std::string& address);
    void add_forward(const std::string& name, const std::string& address);
    void put_state(const boost::json::object& state);

    [[nodiscard]] boost::json::object state() const;
    [[nodiscard]] std::optional<Entry> find(const std::string& address) const;
    [[nodiscard]] boost::json::array log() const;
    void clear_log();

    [[nodiscard]] std::int64_t reads() const;
    [[nodiscard]] std::int64_t writes() const;
    [[nodiscard]] std::int64_t effects() const;  ///< Writes that changed the account.
    [[nodiscard]] std::int64_t requests(const std::string& endpoint) const;
    void clear_counters();

    void kill();     ///< SIGKILL, as a power cut would.
    void restart();  ///< On the same port, with the state file.

private:
    void start(int port);
    [[nodiscard]] boost::json::value get(const std::string& path) const;
    void send(const std::string& method, const std::string& path, const boost::json::value& body) const;

    Options options_;
    std::unique_ptr<Process> process_;
    int port_ = 0;
};

/// Path of the program, for tests that start it by themselves.
[[nodiscard]] std::string online_simulator_program();

}  // namespace fip::test
