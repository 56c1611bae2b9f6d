// failover-ip-hook GUEST OP SUBOP EXTRA, the guest's XML on stdin: libvirt asks whether it may go on.
//
// Never prints to stdout (at `migrate` and `restore` that would replace the XML), never calls libvirt (it waits for
// us).
#include "config/load.hpp"
#include "deadline.hpp"
#include "domxml/limits.hpp"
#include "guard/nft_guard.hpp"
#include "hook_call.hpp"
#include "on_phase.hpp"
#include "provider_read.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/system_clock.hpp"
#include "store/sqlite_lease_store.hpp"

#include <syslog.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
namespace hooks = fip::hooks;
using fip::store::Access;
using fip::store::SqliteLeaseStore;

void log(std::string_view text) {
    ::syslog(LOG_DAEMON | LOG_WARNING, "%.*s", static_cast<int>(text.size()), text.data());
}

// Leaves time to give the answer; without a helper, or when the provider is silent, known guests start as they are.
void read_provider(const std::string& provider, const hooks::Deadline& deadline) {
    const auto limit = deadline.left() - 500ms;
    if (limit <= 0ms) return;
    const bool is_read = hooks::run_silently(
        hooks::find_helper("failover-ip-provider"),
        {"sync", "--provider", provider, "--limit", std::to_string(limit.count()) + "ms"}, limit + 100ms);
    if (!is_read) log("the first read of provider " + provider + " after the boot gave no answer");
}

hooks::World world_of(const hooks::HookCall& call, hooks::Deadline& deadline, const fip::Clock& clock) {
    return {
        .settings =
            [&] {
                auto accepted = fip::config::load_accepted();
                if (accepted.settings) deadline.set(accepted.settings->hook_deadline);
                return accepted;
            },
        .xml = [] { return hooks::read_all(STDIN_FILENO, fip::domxml::max_text); },
        .open_store = [](const fip::Settings& settings) -> std::unique_ptr<fip::LeaseStore> {
            return std::make_unique<SqliteLeaseStore>(settings.store_file, 1000ms, Access::read_only);
        },
        .open_to_write = [](const fip::Settings& settings) -> std::unique_ptr<fip::LeaseStore> {
            return std::make_unique<SqliteLeaseStore>(settings.store_file, 1000ms, Access::existing);
        },
        .clock = clock,
        .is_managed =
            [&](const fip::Settings&) {
                deadline.refuse_at_end(
                    hooks::refusal(call.guest, "it could not be checked within the time of hook.deadline; try again"));
            },
        .read_provider = [&](const std::string& provider) { read_provider(provider, deadline); },
        .ask_daemon =
            [](const std::string& request) {
                return fip::runtime::ask(fip::runtime::libvirt_daemon_socket, request, 200ms).has_value();
            },
        .guard = []() -> std::unique_ptr<fip::Guard> { return std::make_unique<fip::guard::NftGuard>(); },
        .wait =
            [&] {
                std::this_thread::sleep_for(50ms);
                return deadline.left() > 500ms;
            },
        .log = log,
    };
}

std::string answer(const hooks::HookCall& call) {
    hooks::Deadline deadline{5s};
    ::openlog("failover-ip-hook", LOG_PID, LOG_DAEMON);
    const fip::runtime::SystemClock clock;
    return hooks::on_phase(call, world_of(call, deadline, clock));
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
        log(std::string{"a check ended early: "} + e.what());
        if (call.phase == hooks::Phase::incoming) return 0;
        reason = std::string{"it could not be checked: "} + e.what();
    }
    if (reason.empty()) return 0;
    const auto line = hooks::refusal(call.guest, reason) + "\n";
    // Without a stderr nobody hears why; the refusal stands all the same.
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, line.data(), line.size());
    return 1;
}
