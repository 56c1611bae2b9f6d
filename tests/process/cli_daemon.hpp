#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fip::test {

/// Stands for the daemon at its socket: takes one line per connection, and answers "ok" or nothing.
class CliDaemon {
public:
    enum class Manner { answers, stays_silent };
    CliDaemon(const std::string& socket, Manner manner);
    ~CliDaemon();
    CliDaemon(const CliDaemon&) = delete;
    CliDaemon& operator=(const CliDaemon&) = delete;

    [[nodiscard]] std::vector<std::string> requests() const;

private:
    void serve();
    int listener_ = -1;
    Manner manner_;
    std::string path_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<int> silent_;  ///< Connections that wait for an answer.
    std::thread thread_;
};

}  // namespace fip::test
