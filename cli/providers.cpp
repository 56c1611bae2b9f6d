#include "providers.hpp"

#include "app/inventory.hpp"
#include "core/errors.hpp"
#include "programs.hpp"
#include "providers/manual.hpp"
#include "runtime/daemon_client.hpp"

#include <set>
#include <stdexcept>

namespace fip::cli {
namespace {

constexpr int unavailable = 3;  // the helper's exit code

ProviderStatus status_of(Workplace& workplace, const std::string& provider) {
    ProviderStatus status;
    workplace.context(Mode::act).store.read([&](const Rows& rows) { status = rows.provider.status(provider); });
    return status;
}

bool read_again(Workplace& workplace, const std::string& provider) {
    if (!workplace.traits(provider).has_api) return false;  // its list is the configuration, which was just taken in
    const auto now = workplace.context(Mode::act).clock.now().wall;
    const auto status = status_of(workplace, provider);
    const bool is_fresh =
        status.synced_at && *status.synced_at <= now && now - *status.synced_at < workplace.settings().interval;
    if (is_fresh) return false;
    const auto ran =
        run_program("failover-ip-provider", {"sync", "--provider", provider, "--config", workplace.config().string()},
                    Streams::err_ours);
    if (ran.exit_code == 0) return true;
    // Never read: then "nothing is free" would be a guess. Why it could not be read stands on stderr already.
    const auto text = "what provider \"" + provider + "\" has is not known yet";
    if (!status.synced_at && ran.exit_code == unavailable) throw ProviderUnavailable{text + ": try again"};
    if (!status.synced_at) throw std::runtime_error{text};
    return false;
}

}  // namespace

void take_in_configured(Workplace& workplace) {
    for (const auto& [name, provider] : workplace.settings().providers) {
        if (workplace.traits(name).has_api) continue;
        const ProviderAccess access{name, nullptr, nullptr,
                                    [&settings = provider] { return providers::manual_addresses(settings); }};
        take_inventory(workplace.context(Mode::act), access);
    }
}

bool refresh(Workplace& workplace, const std::string& pool) {
    std::set<std::string> providers;
    for (const auto& [name, settings] : workplace.settings().pools) {
        if (pool.empty() || pool == name) providers.insert(settings.provider);
    }
    bool is_read = false;
    for (const auto& provider : providers) is_read = read_again(workplace, provider) || is_read;
    return is_read;
}

int settle_addresses(const Workplace& workplace, const std::vector<Address>& addresses) {
    std::vector<std::string> arguments{"settle", "--config", workplace.config().string()};
    for (const auto& address : addresses) arguments.push_back(address.text());
    return run_program("failover-ip-provider", arguments, Streams::err_ours).exit_code;
}

bool poke_daemons(std::chrono::milliseconds limit) {
    bool is_heard = false;
    for (const auto kind : {GuestKind::libvirt, GuestKind::proxmox}) {
        is_heard = runtime::ask(runtime::socket_of(kind), "poke", limit).has_value() || is_heard;
    }
    return is_heard;
}

}  // namespace fip::cli
