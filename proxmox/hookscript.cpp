// failover-ip-proxmox-hook VMID PHASE: the snippet local:snippets/failover-ip. Proxmox asks whether a guest may start.
//
// Proxmox waits for us without a limit, and holds the lock of the guest's config meanwhile: nothing here calls qm, pct
// or the API. The phases other than pre-start mean nothing to us (a guest that stops is not gone), and never fail.
#include "caller.hpp"
#include "guarded_start.hpp"
#include "on_start.hpp"
#include "program_file.hpp"
#include "queue_start.hpp"
#include "read_guest.hpp"
#include "real_world.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/system_clock.hpp"

#include <syslog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
namespace hooks = fip::hooks;
namespace proxmox = fip::proxmox;

// The caller has the lock until it has noticed our end; a start waits ten seconds for it.
constexpr auto until_refused = 300ms;

bool queue_start(proxmox::GuestType type, int vmid) {
    const auto program = proxmox::find_program(type == proxmox::GuestType::vm ? "qm" : "pct");
    return program && proxmox::start_later(*program, vmid, until_refused);
}

proxmox::StartReply answer(int vmid) {
    hooks::Deadline deadline{5s};
    const fip::runtime::SystemClock clock;
    const auto world = hooks::real_world({fip::runtime::proxmox_daemon_socket, "systemctl start failover-ip-proxmox"},
                                         deadline, clock);
    const char* source = std::getenv("PVE_MIGRATED_FROM");
    const bool is_rollback = proxmox::is_called_by("qmrollback", ::getppid());
    return proxmox::on_start({vmid, source == nullptr ? "" : source, is_rollback}, {world, "/etc/pve", queue_start});
}

proxmox::StartReply answer_or_refuse(int vmid) {
    try {
        return answer(vmid);
    } catch (const std::exception& e) {
        hooks::log(std::string{"a check ended early: "} + e.what());
        return {false,
                hooks::refusal("guest " + std::to_string(vmid), std::string{"it could not be checked: "} + e.what())};
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || std::string_view{argv[2]} != "pre-start") return 0;
    const auto vmid = proxmox::parse_vmid(argv[1]);
    if (!vmid) return 0;
    ::openlog("failover-ip-proxmox-hook", LOG_PID, LOG_DAEMON);
    const auto reply = answer_or_refuse(*vmid);
    if (!reply.line.empty()) hooks::complain(reply.line + "\n");
    return reply.may_start ? 0 : 1;
}
