#include "real_world.hpp"

#include "guard/nft_guard.hpp"
#include "guarded_start.hpp"
#include "provider_read.hpp"
#include "runtime/daemon_client.hpp"
#include "store/sqlite_lease_store.hpp"

#include <syslog.h>
#include <unistd.h>

#include <thread>

namespace fip::hooks {
namespace {

using namespace std::chrono_literals;
using store::Access;
using store::SqliteLeaseStore;

constexpr auto time_to_answer = 500ms;
constexpr auto store_wait = 1000ms;

// Leaves time to give the answer; without a helper, or when the provider is silent, known guests start as they are.
void read_provider(const std::string& provider, const Deadline& deadline) {
    const auto limit = deadline.left() - time_to_answer;
    if (limit <= 0ms) return;
    const bool is_read =
        run_silently(find_helper("failover-ip-provider"),
                     {"sync", "--provider", provider, "--limit", std::to_string(limit.count()) + "ms"}, limit + 100ms);
    if (!is_read) log("the first read of provider " + provider + " after the boot gave no answer");
}

}  // namespace

void log(std::string_view text) {
    ::syslog(LOG_DAEMON | LOG_WARNING, "%.*s", static_cast<int>(text.size()), text.data());
}

void complain(std::string_view line) noexcept {
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, line.data(), line.size());
}

World real_world(const Daemon& daemon, Deadline& deadline, const Clock& clock) {
    return {
        .settings =
            [&deadline] {
                auto accepted = config::load_accepted();
                if (accepted.settings) deadline.set(accepted.settings->hook_deadline);
                return accepted;
            },
        .open_store = [](const Settings& settings) -> std::unique_ptr<LeaseStore> {
            return std::make_unique<SqliteLeaseStore>(settings.store_file, store_wait, Access::read_only);
        },
        .open_to_write = [](const Settings& settings) -> std::unique_ptr<LeaseStore> {
            return std::make_unique<SqliteLeaseStore>(settings.store_file, store_wait, Access::existing);
        },
        .clock = clock,
        .is_managed =
            [&deadline](std::string_view guest) {
                deadline.refuse_at_end(
                    refusal(guest, "it could not be checked within the time of hook.deadline; try again"));
            },
        .read_provider = [&deadline](const std::string& provider) { read_provider(provider, deadline); },
        .ask_daemon = [socket = daemon.socket](
                          const std::string& request) { return runtime::ask(socket, request, 200ms).has_value(); },
        .guard = []() -> std::unique_ptr<Guard> { return std::make_unique<guard::NftGuard>(); },
        .wait =
            [&deadline] {
                std::this_thread::sleep_for(50ms);
                return deadline.left() > time_to_answer;
            },
        .log = log,
        .start_daemon = daemon.start_command,
    };
}

}  // namespace fip::hooks
