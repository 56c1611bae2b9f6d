#pragma once

#include "simulators/online/account.hpp"
#include "simulators/online/endpoints.hpp"
#include "simulators/online/faults.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace fip::sim {

/// One request as the log has it. The token is not in it.
struct LogEntry {
    std::int64_t number = 0;
    UnixMs at = 0;
    std::string endpoint;
    std::string method;
    std::string path;
    boost::json::object fields;
    int status = 0;           ///< 0: not answered yet.
    bool has_effect = false;  ///< A write that changed the account.
    bool is_spoilt = false;   ///< A fault took part.
};

struct Count {
    std::int64_t requests = 0;
    std::int64_t effects = 0;
};

/// What all threads of the program see. Hold the mutex.
struct Shared {
    std::mutex mutex;
    std::condition_variable wake;  ///< Sleepers look whether to go on: `is_stopping`, or another `patience`.
    bool is_stopping = false;
    std::int64_t patience = 0;  ///< Grows when the faults are cleared: requests that are being delayed go on.

    std::string token;
    std::string state_file;  ///< Empty: the state is in memory only.
    Account account;
    Faults faults;
    std::map<std::string, Count, std::less<>> counts;
    std::deque<LogEntry> log;
    std::int64_t requests = 0;
    std::deque<UnixMs> recent;  ///< Requests of the last minute, for the quota.

    explicit Shared(std::uint64_t seed) : account{seed} {}

    /// Write the state file: a new one beside it, then renamed. A kill leaves the old or the new one.
    /// @throws std::runtime_error  it cannot be written
    void save() const;
    /// @throws InputError  there is a state file, and it makes no sense
    [[nodiscard]] bool restore();

    [[nodiscard]] LogEntry* entry(std::int64_t number);
};

}  // namespace fip::sim
