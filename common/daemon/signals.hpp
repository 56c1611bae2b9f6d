#pragma once

#include <chrono>

namespace fip::daemon {

/// SIGTERM, SIGINT and SIGHUP as something to wait for. Make it before the first thread.
class Signals {
public:
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    enum class Came { nothing, stop, reload };
    /// @param limit  zero: for ever
    [[nodiscard]] Came wait(std::chrono::microseconds limit) const;
    void raise_stop() const noexcept;     ///< As if SIGTERM had come; any thread.
    static void raise_reload() noexcept;  ///< As if SIGHUP had come; any thread.

private:
    int signals_ = -1;
    int stop_ = -1;
};

}  // namespace fip::daemon
