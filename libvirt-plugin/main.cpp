#include "daemon.hpp"
#include "once.hpp"
#include "options.hpp"
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
        const auto options = plugin::read_options(argc, argv);
        if (!options) return 0;
        if (::geteuid() != 0) throw std::runtime_error{"needs root"};
        runtime::forbid_core_dumps();
        return options->is_once ? plugin::run_once(*options) : plugin::run_daemon(*options);
    });
}
