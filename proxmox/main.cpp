#include "core/errors.hpp"
#include "daemon/daemon.hpp"
#include "daemon/once.hpp"
#include "doctor.hpp"
#include "install.hpp"
#include "proxmox_guests.hpp"
#include "runtime/no_core_dumps.hpp"
#include "runtime/run_main.hpp"
#include "uninstall.hpp"
#include "watcher.hpp"

#include <CLI/CLI.hpp>

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace {

using namespace fip;

const daemon::Program program{"failover-ip-proxmox", GuestKind::proxmox, "", ""};

int watch_once(const daemon::Options& options) {
    const auto setup = daemon::load_setup(options.config);
    const bool is_applied = options.effects == Effects::apply;
    std::unique_ptr<daemon::Workplace> place;
    if (is_applied || std::filesystem::exists(setup->settings.store_file)) {
        place =
            std::make_unique<daemon::Workplace>(setup, is_applied ? store::Access::create : store::Access::read_only);
    }
    std::function<Context()> context;
    if (place) context = [&] { return place->context(); };
    const proxmox::Cluster cluster;
    proxmox::ProxmoxGuests guests{cluster, std::move(context)};
    return daemon::run_once(options, setup, {GuestKind::proxmox, guests});
}

int watch(const daemon::Options& options) {
    if (::geteuid() != 0) throw std::runtime_error{"needs root"};
    runtime::forbid_core_dumps();
    if (options.is_once) return watch_once(options);
    return daemon::run_daemon(program, options, [](auto setup, auto leases_changed) {
        return std::make_unique<proxmox::Watcher>(std::move(setup), std::move(leases_changed));
    });
}

int examine(const std::filesystem::path& config, bool is_json) {
    if (::geteuid() != 0) throw std::runtime_error{"needs root"};
    const auto checks = proxmox::examine_node(config);
    std::cout << (is_json ? doctor::json_of(checks) : doctor::text_of(checks)) << std::flush;
    return doctor::exit_code_of(checks);
}

/// What the other commands take. They outlive the parsing.
struct Given {
    proxmox::SetupOptions setup;
    bool is_dry_run = false;
    int exit_code = 0;
};

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& does, Given& given) {
    auto& command = *app.add_subcommand(name, does);
    command.add_option("--config", given.setup.config, "Configuration file")->capture_default_str();
    command.add_flag("--json", given.setup.is_json, "For programs: one line of JSON on stdout");
    return command;
}

void add_setup(CLI::App& app, const std::string& name, const std::string& does, Given& given,
               int (*work)(const proxmox::SetupOptions&)) {
    auto& command = add_command(app, name, does, given);
    command.add_flag("--dry-run", given.is_dry_run, "Say what would be done, and change nothing");
    command.callback([&given, work] {
        if (given.is_dry_run) given.setup.effects = Effects::plan_only;
        given.exit_code = work(given.setup);
    });
}

int run(int argc, const char* const* argv) {
    CLI::App app{
        "Keeps the guests of a Proxmox VE node and failover IPs together: a new guest gets its address and "
        "MAC, a destroyed one gives them back."};
    app.set_version_flag("--version", "failover-ip " FIP_VERSION);
    app.require_subcommand(1);
    int exit_code = 0;
    auto options = daemon::default_options(GuestKind::proxmox);
    auto* watching = app.add_subcommand("watch", "Watch this node in the foreground, as systemd does");
    watching->footer("failover-ip-proxmox watch --once --dry-run shows what would be done now, and does nothing.");
    daemon::add_options(*watching, options);
    watching->callback([&] { exit_code = watch(options); });
    Given given;
    given.setup.config = options.config;
    add_setup(app, "install", "Make this node ready: hookscript, units, a configuration to begin with", given,
              proxmox::install);
    add_setup(app, "uninstall", "Take this node out; guests keep their addresses, and leases stay", given,
              proxmox::uninstall);
    auto& doctor = add_command(app, "doctor", "Say whether all is well on this node", given);
    doctor.callback([&] { given.exit_code = examine(given.setup.config, given.setup.is_json); });
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& said) {
        (void)app.exit(said);
    } catch (const CLI::ParseError& wrong) {
        throw InputError{std::string{wrong.what()} + "; see " + program.name + " --help"};
    }
    return exit_code != 0 ? exit_code : given.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    ::mallopt(M_ARENA_MAX, 2);  // one arena per thread would cost more than everything else
    const bool is_service = std::getenv("JOURNAL_STREAM") != nullptr;  // set by systemd
    const auto report = is_service ? runtime::Report::to_journal : runtime::Report::to_people;
    return runtime::run_main(program.name, report, [&] { return run(argc, argv); });
}
