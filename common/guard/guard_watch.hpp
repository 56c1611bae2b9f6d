#pragma once

#include "guard/guard_event.hpp"

#include <memory>
#include <vector>

namespace fip::guard {

/// Hears what happens around the guard: made before the rules are looked at, it misses nothing of what follows.
///
/// One thread per object, and one object of this kind per network namespace hears of blocked frames.
class GuardWatch {
public:
    /// @throws GuardError  the kernel gives us no netlink socket
    GuardWatch();
    ~GuardWatch();
    GuardWatch(const GuardWatch&) = delete;
    GuardWatch& operator=(const GuardWatch&) = delete;

    /// Readable (poll, epoll) when read() has something.
    [[nodiscard]] int descriptor() const;

    /// Does not wait. At most some thousands at once: while there are more, the descriptor stays readable.
    [[nodiscard]] std::vector<GuardEvent> read();

    /// False: another process has our NFLOG group; counts are there all the same.
    [[nodiscard]] bool hears_blocked() const;

private:
    struct Sockets;
    std::unique_ptr<Sockets> sockets_;
};

}  // namespace fip::guard
