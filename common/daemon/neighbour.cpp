#include "daemon/neighbour.hpp"

#include "runtime/daemon_client.hpp"

namespace fip::daemon {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds limit{200};
constexpr std::chrono::milliseconds at_once{100};  // slower than any "nobody is there"
constexpr std::chrono::seconds rest{10};

}  // namespace

void Neighbour::tell(const std::string& request) {
    const auto start = Steady::now();
    if (start < quiet_until_.load()) return;
    if (runtime::ask(socket_, request, limit)) return;
    // One that is there and does not answer must not hold us up at each of a hundred guests.
    const auto now = Steady::now();
    if (now - start >= at_once) quiet_until_ = now + rest;
}

}  // namespace fip::daemon
