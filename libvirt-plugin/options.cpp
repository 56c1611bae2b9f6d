#include "options.hpp"

#include "config/load.hpp"
#include "core/errors.hpp"
#include "runtime/daemon_client.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace fip::plugin {

std::optional<Options> read_options(int argc, const char* const* argv) {
    Options options;
    CLI::App app{
        "Watches libvirt and keeps guests and failover IPs together: a defined guest gets its address and MAC, "
        "an undefined one gives them back."};
    app.footer(
        "Examples:\n"
        "  failover-ip-libvirt                     run in the foreground, as systemd does\n"
        "  failover-ip-libvirt --once --dry-run    show what would be done now, and do nothing");
    options.config = config::default_file;
    options.socket = runtime::libvirt_daemon_socket;
    app.add_option("--config", options.config, "Configuration file")->capture_default_str();
    app.set_version_flag("--version", "failover-ip " FIP_VERSION);
    const auto* once = app.add_flag("--once", options.is_once, "Compare everything once, do what is due, and exit");
    bool is_dry = false;
    app.add_flag("--dry-run", is_dry, "With --once: change nothing, show what would be done")->needs("--once");
    app.add_flag("--json", options.is_json, "With --once: the result as one JSON object")->needs("--once");
    app.add_flag("--reconcile", options.permission.apply_held_back,
                 "With --once: also change guests that were there at the first run")
        ->needs("--once");
    app.add_flag("--confirm", options.permission.confirm_releases,
                 "With --once: release also where more than half of all leases would end")
        ->needs("--once");
    (void)once;
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& said) {
        (void)app.exit(said);
        return {};
    } catch (const CLI::ParseError& wrong) {
        throw InputError{std::string{wrong.what()} + "; see failover-ip-libvirt --help"};
    }
    if (is_dry) options.effects = Effects::plan_only;
    return options;
}

}  // namespace fip::plugin
