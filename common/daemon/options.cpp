#include "daemon/options.hpp"

#include "config/load.hpp"
#include "core/errors.hpp"
#include "runtime/daemon_client.hpp"

#include <CLI/CLI.hpp>

namespace fip::daemon {

Options default_options(GuestKind kind) {
    Options options;
    options.config = config::default_file;
    options.socket = runtime::socket_of(kind);
    return options;
}

void add_options(CLI::App& app, Options& options) {
    app.add_option("--config", options.config, "Configuration file")->capture_default_str();
    app.add_flag("--once", options.is_once, "Compare everything once, do what is due, and exit");
    app.add_flag_callback(
           "--dry-run", [&options] { options.effects = Effects::plan_only; },
           "With --once: change nothing, show what would be done")
        ->needs("--once");
    app.add_flag("--json", options.is_json, "With --once: the result as one JSON object")->needs("--once");
    app.add_flag("--reconcile", options.permission.apply_held_back,
                 "With --once: also change guests that were there at the first run")
        ->needs("--once");
    app.add_flag("--confirm", options.permission.confirm_releases,
                 "With --once: release also where more than half of all leases would end")
        ->needs("--once");
}

std::optional<Options> read_options(int argc, const char* const* argv, const Program& program) {
    auto options = default_options(program.kind);
    CLI::App app{program.about};
    app.footer(program.examples);
    app.set_version_flag("--version", "failover-ip " FIP_VERSION);
    add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& said) {
        (void)app.exit(said);
        return {};
    } catch (const CLI::ParseError& wrong) {
        throw InputError{std::string{wrong.what()} + "; see " + program.name + " --help"};
    }
    return options;
}

}  // namespace fip::daemon
