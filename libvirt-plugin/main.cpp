#include "daemon/daemon.hpp"
#include "libvirt_watcher.hpp"
#include "once.hpp"
#include "runtime/no_core_dumps.hpp"
#include "runtime/run_main.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

int main(int argc, char** argv) {
    using namespace fip;
    ::mallopt(M_ARENA_MAX, 2);  // one arena per thread would cost more than everything else
    const bool is_service = std::getenv("JOURNAL_STREAM") != nullptr;  // set by systemd
    const auto report = is_service ? runtime::Report::to_journal : runtime::Report::to_people;
    return runtime::run_main("failover-ip-libvirt", report, [&] {
        const daemon::Program program{
            "failover-ip-libvirt", GuestKind::libvirt,
            "Watches libvirt and keeps guests and failover IPs together: a defined guest gets its address and MAC, "
            "an undefined one gives them back.",
            "Examples:\n"
            "  failover-ip-libvirt                     run in the foreground, as systemd does\n"
            "  failover-ip-libvirt --once --dry-run    show what would be done now, and do nothing"};
        const auto options = daemon::read_options(argc, argv, program);
        if (!options) return 0;
        if (::geteuid() != 0) throw std::runtime_error{"needs root"};
        runtime::forbid_core_dumps();
        if (options->is_once) return plugin::run_once(*options);
        return daemon::run_daemon(program, *options, plugin::make_libvirt_watcher);
    });
}
