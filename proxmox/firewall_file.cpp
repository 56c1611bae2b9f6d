#include "firewall_file.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "core/pool.hpp"
#include "firewall_sets.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "replace_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <map>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

constexpr int most_nics = 32;

/// The cluster-wide lock of a guest's firewall file: a folder in pmxcfs, which gives it up after 120 s (PROXMOX.md 5).
class FirewallLock {
public:
    FirewallLock(const Cluster& cluster, int vmid)
        : folder_{cluster.root() / "priv/lock" / ("firewall-vm-" + std::to_string(vmid))},
          is_held_{::mkdir(folder_.c_str(), 0700) == 0} {}
    ~FirewallLock() {
        if (is_held_) ::rmdir(folder_.c_str());
    }
    FirewallLock(const FirewallLock&) = delete;
    FirewallLock& operator=(const FirewallLock&) = delete;
    [[nodiscard]] bool is_held() const { return is_held_; }

private:
    fs::path folder_;
    bool is_held_;
};

std::map<int, std::vector<Prefix>> wanted_sets(const Context& context, const Guest& guest) {
    std::map<int, std::vector<Prefix>> sets;
    for (int number = 0; number < most_nics; ++number) sets[number];
    if (!context.settings.proxmox_ipfilter) return sets;
    context.store.read([&](const Rows& rows) {
        for (const auto& lease : rows.leases.of_guest(guest.id)) {
            if (!is_held(lease.state)) continue;
            for (const auto& nic : guest.nics) {
                if (slot_of(nic) != lease.slot || !is_managed(context.settings, nic)) continue;
                sets[static_cast<int>(nic.index)].push_back(
                    Prefix::parse(lease.address.text() + (lease.address.is_v4() ? "/32" : "/128")));
            }
        }
    });
    return sets;
}

std::string changed(std::string text, const std::map<int, std::vector<Prefix>>& sets) {
    for (const auto& [number, ranges] : sets) text = with_ipfilter(text, number, ranges);
    return text;
}

}  // namespace

void keep_ipfilter(const Cluster& cluster, const Context& context, const Guest& guest) {
    const auto vmid = vmid_of(guest.id);
    if (!vmid) return;
    const auto file = cluster.root() / "firewall" / (std::to_string(*vmid) + ".fw");
    const auto sets = wanted_sets(context, guest);
    try {
        const auto read = [&] {
            return config::read_file(file, GuestConfig::most_bytes, config::Access::anybody).text;
        };
        if (const auto text = read(); changed(text, sets) == text) return;
        const FirewallLock lock{cluster, *vmid};
        if (!lock.is_held()) return;
        const auto text = read();
        replace_file(file, changed(text, sets));
    } catch (const InputError& unreadable) {
        throw GuestsUnavailable{unreadable.what()};
    }
}

}  // namespace fip::proxmox
