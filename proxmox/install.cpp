#include "install.hpp"

#include "cluster.hpp"
#include "config/load.hpp"
#include "config/read_file.hpp"
#include "config/token.hpp"
#include "core/errors.hpp"
#include "example_config.hpp"
#include "guard/device_tree.hpp"
#include "install_file.hpp"
#include "node_facts.hpp"
#include "program_file.hpp"
#include "providers/traits.hpp"
#include "replace_file.hpp"
#include "setup_log.hpp"
#include "snippet.hpp"
#include "storage_config.hpp"
#include "units.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_config = std::size_t{1} << 20;

std::string text_of(const fs::path& file) {
    return config::read_file(file, most_config, config::Access::anybody).text;
}

std::string bridge_of_this_host() {
    const guard::DeviceTree devices{"/sys"};
    std::vector<std::string> found;
    std::error_code unreadable;  // then there is no bridge to be found
    for (const auto& entry : fs::directory_iterator{"/sys/class/net", unreadable}) {
        const auto name = entry.path().filename().string();
        if (!devices.is_bridge(name)) continue;
        const auto ports = devices.ports(name);
        if (std::ranges::any_of(ports, [&](const std::string& port) { return devices.is_uplink(port); })) {
            found.push_back(name);
        }
    }
    return bridge_for_guests(found);
}

/// Why the daemon would not start with it; empty: it would.
std::string problem_of(const fs::path& config) {
    try {
        const auto settings = config::load(config);
        for (const auto& [name, provider] : settings.providers) {
            if (!providers::traits_of(provider.type).has_api || provider.token_file.empty()) continue;
            (void)config::read_token(provider);
        }
        return "";
    } catch (const InputError& wrong) {
        return wrong.what();
    }
}

class Installation {
public:
    Installation(const SetupOptions& options, const Cluster& cluster, std::string node)
        : options_{options},
          cluster_{cluster},
          node_{std::move(node)},
          has_effects_{options.effects == Effects::apply},
          log_{options.is_json, !has_effects_} {}

    int run(bool has_systemd) {
        log_.attempt("snippet", [this] { put_snippet(); });
        // What is announced must be there: other nodes rely on it.
        if (!log_.has_failed()) log_.attempt("announcement", [this] { announce(); });
        log_.attempt("configuration", [this] { put_config(); });
        if (!log_.has_failed()) log_.attempt("unit", [this, has_systemd] { bring_up(has_systemd); });
        return log_.finish();
    }

private:
    void put_snippet() {
        const auto file = snippet_place(cluster_);
        const auto program = packaged_hookscript();
        if (is_program_with(file, program)) {
            log_.there("snippet", file.string() + " is up to date");
            return;
        }
        is_upgrade_ = fs::exists(fs::symlink_status(file));
        if (has_effects_) {
            put_program(file, program);
            if (!is_program(file)) {
                throw std::runtime_error{file.string() +
                                         " cannot be executed: is its file system mounted noexec? No guest with it as "
                                         "its hookscript would start"};
            }
        }
        log_.done("snippet", "copied to " + file.string());
    }

    void announce() {
        const auto file = announcement_of(cluster_, node_);
        if (text_of(file) == FIP_VERSION "\n") {
            log_.there("announcement", "the cluster knows that " + node_ + " has the snippet");
        } else {
            if (has_effects_) proxmox::announce(cluster_, node_);
            log_.done("announcement", "written to " + file.string());
        }
        for (const auto& other : silent_nodes(cluster_)) {
            if (other == node_) continue;  // on a dry run
            log_.advise("announcement",
                        "node " + other +
                            " has not announced the snippet: run failover-ip-proxmox install there, too; "
                            "until then no guest gets it as its hookscript");
        }
    }

    void put_config() {
        const auto& file = options_.config;
        if (fs::exists(file)) {
            log_.there("configuration", file.string() + " is there, and left as it is");
            return;
        }
        const auto bridge = bridge_of_this_host();
        if (has_effects_) (void)put_if_absent(file, example_config(bridge));
        log_.done("configuration", "written as an example for " + bridge + " to " + file.string());
    }

    void bring_up(bool has_systemd) {
        const bool is_example = !fs::exists(options_.config) || has_placeholders(text_of(options_.config));
        if (!is_example) {
            if (const auto problem = problem_of(options_.config); !problem.empty()) {
                throw std::runtime_error{"not started, the configuration is not good: " + problem};
            }
        }
        if (!has_systemd) {
            log_.advise("unit", "systemd does not run here: nothing is started; run failover-ip-proxmox watch");
        } else {
            if (has_effects_) reload_units();
            if (!is_example) enable_units();
        }
        if (is_example) {
            log_.advise("unit", "not started: put your values into " + options_.config.string() + " where it says " +
                                    std::string{placeholder} +
                                    ", and the token into its file (mode 0600); then failover-ip config check, and "
                                    "failover-ip-proxmox install once more");
        } else {
            log_.advise("next", "make a guest in the web UI; failover-ip doctor says whether all is well");
        }
    }

    void enable_units() {
        const auto bring = [this](const std::string& unit, bool is_to_run) {
            const bool is_right = is_enabled(unit) && (!is_to_run || (is_active(unit) && !is_upgrade_));
            if (is_right) {
                log_.there("unit", unit + (is_to_run ? " is enabled, and runs" : " is enabled"));
                return;
            }
            if (has_effects_) enable(unit);
            if (has_effects_ && is_to_run) restart(unit);
            log_.done("unit", is_to_run ? (is_upgrade_ ? "enabled and started anew: " : "enabled and started: ") + unit
                                        : "enabled: " + unit);
        };
        // The daemon raises the guard when it has read the provider; at a boot it is up before the first bridge.
        bring(guard_unit, false);
        bring(watcher_unit, true);
    }

    const SetupOptions& options_;
    const Cluster& cluster_;
    std::string node_;
    bool has_effects_;
    bool is_upgrade_ = false;  ///< There was another snippet: the watcher that runs is of that version, too.
    SetupLog log_;
};

}  // namespace

int install(const SetupOptions& options) {
    const Cluster cluster;
    const auto node = read_node(cluster);
    if (const auto reasons = objections(node); !reasons.empty()) {
        return SetupLog{options.is_json, options.effects == Effects::plan_only}.refuse(reasons);
    }
    std::optional<SetupLock> lock;
    if (options.effects == Effects::apply) lock.emplace();
    return Installation{options, cluster, node.name}.run(node.has_systemd);
}

}  // namespace fip::proxmox
