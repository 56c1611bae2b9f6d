#include "doctor.hpp"

#include "app/guard.hpp"
#include "config/token.hpp"
#include "core/errors.hpp"
#include "core/time.hpp"
#include "doctor/check.hpp"
#include "guard/nft_guard.hpp"
#include "guard_view.hpp"
#include "hypervisors.hpp"
#include "programs.hpp"
#include "render.hpp"
#include "runtime/daemon_client.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace fip::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using doctor::Check;
using doctor::Checks;

// What a check costs that hangs, as a daemon does that is stopped.
constexpr auto answer_limit = 2s;

constexpr std::uintmax_t least_space = 16U << 20U;  // bytes

Check check_token(const ProviderSettings& provider) {
    const auto name = "token:" + provider.name;
    if (provider.token_file.empty()) return doctor::ok(name, "comes from systemd, if at all");
    try {
        (void)config::read_token(provider);
        return doctor::ok(name, provider.token_file + " is there, and for its owner only");
    } catch (const InputError& wrong) {
        return doctor::fail(name, wrong.what(),
                            "put the token alone into " + provider.token_file +
                                ", mode 0600, or give it to the unit "
                                "with LoadCredential=");
    }
}

Check check_provider(const std::string& provider, const ProviderStatus& status, bool has_api) {
    const auto name = "provider:" + provider;
    if (!has_api) return doctor::ok(name, "has no API: its addresses stand in the configuration");
    const auto since = status.synced_at ? "; last read at " + rfc3339(*status.synced_at) : std::string{"; never read"};
    if (!status.last_error.empty()) {
        return doctor::fail(name, "the last read failed: " + status.last_error + since,
                            "guests with a good lease start all the same; failover-ip pool sync tries again");
    }
    if (!status.synced_at) return doctor::warn(name, "was never read", "failover-ip pool sync");
    return doctor::ok(name, "answered last time" + since);
}

Check check_bridge(const GuardView& view, const BridgeGuard& bridge) {
    const auto name = "guard:" + bridge.bridge;
    const auto state = std::string{state_of(view, bridge)};
    std::string uplinks;
    for (const auto& uplink : bridge.uplinks) uplinks += (uplinks.empty() ? "" : ", ") + uplink;
    if (state == "off") return doctor::warn(name, "is off by the configuration: unknown MACs may leave");
    if (view.is_down) {
        return doctor::warn(name, "was taken down by hand: unknown MACs may leave", "failover-ip guard up");
    }
    if (bridge.is_elsewhere) {
        return doctor::fail(name, bridge.problem, "correct the configuration, then failover-ip guard up");
    }
    if (!bridge.problem.empty()) return doctor::fail(name, bridge.problem, "failover-ip guard up");
    if (bridge.uplinks.empty()) {
        return doctor::fail(name, "no uplink is found", "name it in the pool: uplinks = [\"eno1\"]");
    }
    if (!bridge.exists) {
        return doctor::warn(name, bridge.bridge + " does not exist now; its guard is " + state + " at " + uplinks,
                            "a wrong name? see pools.*.bridges of the configuration");
    }
    if (state == "observe") return doctor::warn(name, "only observes at " + uplinks + ", by the configuration");
    if (state == "up" && !bridge.beside.empty()) {
        return doctor::warn(name, "is up at " + uplinks + "; unknown MACs may leave by " + bridge.beside,
                            "if that leads to the provider, name it in the pool's uplinks, too");
    }
    if (state == "up") return doctor::ok(name, "is up at " + uplinks);
    return doctor::fail(name, "is " + state + " at " + uplinks + ": unknown MACs may leave", "failover-ip guard up");
}

void check_guard(Workplace& workplace, Checks& checks) {
    const auto context = workplace.context(Mode::dry_run);
    const guard::NftGuard kernel;
    auto facts = guard_facts(context, kernel);
    facts.standing = kernel.state();
    const GuardView view{plan_guard(facts), facts.standing, is_guard_down(context.store), {}};
    for (const auto& bridge : view.plan.bridges) checks.push_back(check_bridge(view, bridge));
}

/// A store that cannot grow fails every claim.
void check_space(const fs::path& store, Checks& checks) {
    std::error_code unknown;
    const auto space = fs::space(store.parent_path(), unknown);
    if (unknown || space.available >= least_space) return;
    checks.push_back(doctor::warn("store-space",
                                  "only " + std::to_string(space.available >> 20U) + " MB are free in " +
                                      store.parent_path().string() + ": no address can be claimed when it is full",
                                  "free some space there"));
}

void check_store(Workplace& workplace, Checks& checks) {
    const auto& settings = workplace.settings();
    if (!workplace.has_store()) {
        checks.push_back(doctor::fail("store", settings.store_file + " is not there: nothing has run yet",
                                      "failover-ip pool sync, or start the daemon"));
        return;
    }
    const auto context = workplace.context(Mode::dry_run);
    context.store.read([&](const Rows& rows) {
        checks.push_back(doctor::ok(
            "store", settings.store_file + " can be read, " + std::to_string(rows.leases.all("").size()) + " rows"));
        for (const auto& [name, provider] : settings.providers) {
            checks.push_back(check_provider(name, rows.provider.status(name), workplace.traits(name).has_api));
        }
    });
    check_space(settings.store_file, checks);
    doctor::attempt(checks, "guard", [&] { check_guard(workplace, checks); });
}

/// libvirt looks for hooks once, at its start; that it has found this one cannot be seen from here.
Check check_hook(const std::string& driver) {
    const auto name = "libvirt-hook:" + driver;
    const fs::path file = "/etc/libvirt/hooks/" + driver + ".d/50-failover-ip";
    std::error_code absent;
    const auto status = fs::symlink_status(file, absent);
    if (fs::is_regular_file(status) && ::access(file.c_str(), X_OK) == 0) return doctor::ok(name, file.string());
    return doctor::fail(name,
                        file.string() +
                            (fs::exists(status) ? " is no regular file that can be executed" : " is not there") +
                            ": starts with an unknown MAC are not refused",
                        "install it as failover-ip-hook(8) says, then restart libvirtd or virtqemud");
}

void check_libvirt(const Settings& settings, Checks& checks) {
    if (runtime::ask(runtime::libvirt_daemon_socket, "ping", answer_limit)) {
        checks.push_back(doctor::ok("libvirt-daemon", "failover-ip-libvirt answers"));
    } else {
        checks.push_back(doctor::fail("libvirt-daemon",
                                      "failover-ip-libvirt does not answer: new guests get no address",
                                      "systemctl start failover-ip-libvirt"));
    }
    for (const std::string driver : {"qemu", "lxc"}) {
        const bool is_used = std::ranges::any_of(settings.libvirt_uris,
                                                 [&](const std::string& uri) { return uri.starts_with(driver + ":"); });
        if (is_used) checks.push_back(check_hook(driver));
    }
}

void check_proxmox(const fs::path& config, Checks& checks) {
    const auto ran =
        run_program("failover-ip-proxmox", {"doctor", "--json", "--config", config.string()}, Streams::captured);
    try {
        for (auto& check : doctor::parse_checks(ran.out)) {
            if (check.name != "configuration") checks.push_back(std::move(check));  // said before
        }
    } catch (const std::runtime_error&) {
        throw std::runtime_error{"failover-ip-proxmox doctor says: " + shown(ran.err.empty() ? ran.out : ran.err)};
    }
}

/// One a line, as they are told.
void add_mistakes(std::string_view told, Checks& checks) {
    for (;;) {
        const auto line = told.substr(0, told.find('\n'));
        checks.push_back(doctor::fail("configuration", std::string{line}, "failover-ip config check"));
        if (line.size() == told.size()) return;
        told.remove_prefix(line.size() + 1);
    }
}

Checks examine(const fs::path& config) {
    Checks checks;
    std::unique_ptr<Workplace> workplace;
    try {
        workplace = std::make_unique<Workplace>(config);
        checks.push_back(doctor::ok("configuration", config.string() + " is good"));
    } catch (const InputError& wrong) {
        add_mistakes(wrong.what(), checks);
    }
    if (workplace) {
        for (const auto& [name, provider] : workplace->settings().providers) {
            if (workplace->traits(name).has_api) checks.push_back(check_token(provider));
        }
        doctor::attempt(checks, "store", [&] { check_store(*workplace, checks); });
    }
    for (const auto& hypervisor : hypervisors()) {
        if (hypervisor.kind == GuestKind::proxmox) {
            doctor::attempt(checks, "proxmox", [&] { check_proxmox(config, checks); });
        } else {
            check_libvirt(workplace ? workplace->settings() : Settings{}, checks);
        }
    }
    return checks;
}

}  // namespace

int examine_host(const fs::path& config, Form form) {
    const auto checks = examine(config);
    print(form == Form::json ? doctor::json_of(checks) : doctor::text_of(checks));
    return doctor::exit_code_of(checks);
}

}  // namespace fip::cli
