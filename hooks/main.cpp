// failover-ip-hook GUEST OP SUBOP EXTRA, the guest's XML on stdin: libvirt asks whether it may go on.
//
// Never prints to stdout (at `migrate` and `restore` that would replace the XML), never calls libvirt (it waits for
// us).
#include "domxml/limits.hpp"
#include "guarded_start.hpp"
#include "hook_call.hpp"
#include "on_phase.hpp"
#include "real_world.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/system_clock.hpp"

#include <syslog.h>
#include <unistd.h>

#include <exception>
#include <span>
#include <string>

namespace {

using namespace std::chrono_literals;
namespace hooks = fip::hooks;

std::string answer(const hooks::HookCall& call) {
    hooks::Deadline deadline{5s};
    ::openlog("failover-ip-hook", LOG_PID, LOG_DAEMON);
    const fip::runtime::SystemClock clock;
    const auto world = hooks::real_world({fip::runtime::libvirt_daemon_socket, "systemctl start failover-ip-libvirt"},
                                         deadline, clock);
    const auto xml = [] { return hooks::read_all(STDIN_FILENO, fip::domxml::max_text); };
    return hooks::on_phase(call, xml, world);
}

}  // namespace

int main(int argc, char** argv) {
    const auto call =
        hooks::read_call(std::span<const char* const>{argv, static_cast<std::size_t>(argc)}.subspan(argc > 0 ? 1 : 0));
    if (call.phase == hooks::Phase::other) return 0;
    std::string reason;
    try {
        reason = answer(call);
    } catch (const std::exception& e) {
        hooks::log(std::string{"a check ended early: "} + e.what());
        if (call.phase == hooks::Phase::incoming) return 0;
        reason = std::string{"it could not be checked: "} + e.what();
    }
    if (reason.empty()) return 0;
    hooks::complain(hooks::refusal(call.guest, reason) + "\n");
    return 1;
}
