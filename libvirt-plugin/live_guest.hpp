#pragma once

#include "connection.hpp"
#include "handles.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fip::plugin {

/// libvirt answered, and did not do it; what() is its reason.
class LibvirtRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A running guest, for what is done to it while it runs. It may end at any moment: then every call is refused.
/// @throws LibvirtRefused     nothing was done, as far as libvirt knows
/// @throws GuestsUnavailable  the connection is gone; whether it was done is not known
class LiveGuest {
public:
    /// starting: libvirt is at it, and a STARTED event follows.
    enum class State { starting, running, paused, stopped };

    /// Empty: no driver runs such a guest. Stopped ones are found too.
    [[nodiscard]] static std::optional<LiveGuest> find(const std::vector<std::unique_ptr<Connection>>& connections,
                                                       const std::string& uuid);

    /// Of that driver alone. Empty: it answered, and has no such guest.
    [[nodiscard]] static std::optional<LiveGuest> find(const Connection& connection, const std::string& uuid);

    [[nodiscard]] int number() const;  ///< libvirt's id of this run; another one after each start. -1: it does not run.
    [[nodiscard]] State state() const;
    /// It ended because its system was shut down, not by somebody's destroy.
    [[nodiscard]] bool was_shut_down() const;
    [[nodiscard]] std::string xml() const;
    [[nodiscard]] const Connection& connection() const { return *connection_; }

    /// Whether a reset finds a firmware to begin with. For some milliseconds after a PC's start it does not: its BIOS
    /// has switched the memory for its copy of itself on, and has not written it yet, and no reset switches it off
    /// again.
    [[nodiscard]] bool can_begin_anew() const;

    void suspend() const;
    void resume() const;
    void reset() const;
    void detach(const std::string& alias) const;  ///< Asks only: a DEVICE_REMOVED event tells that it is gone.
    void attach(const std::string& element) const;
    void shutdown() const;  ///< Asks only.
    void destroy() const;
    void start() const;

private:
    LiveGuest(const Connection& connection, DomainHandle domain)
        : connection_{&connection}, domain_{std::move(domain)} {}
    void check(int result, const char* what) const;

    const Connection* connection_;
    DomainHandle domain_;
};

}  // namespace fip::plugin
