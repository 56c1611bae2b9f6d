#include "firewall_file.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "core/pool.hpp"
#include "firewall_sets.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Whoever changes the file has its lock for milliseconds.
constexpr auto longest_wait = 300ms;
constexpr auto between_tries = 50ms;

/// The cluster-wide lock of a guest's firewall file: a folder in pmxcfs. Of a holder that was killed it stays, until
/// somebody asks pmxcfs 120 s later to end it: by the time 0, which is no time of anything (PVE::Cluster's cfs_lock).
class FirewallLock {
public:
    /// @throws GuestsUnavailable  somebody else has it, or pmxcfs takes nothing
    FirewallLock(const Cluster& cluster, int vmid)
        : folder_{cluster.root() / "priv/lock" / ("firewall-vm-" + std::to_string(vmid))} {
        (void)::mkdir(folder_.parent_path().c_str(), 0700);  // as cfs_lock does each time
        const auto until = std::chrono::steady_clock::now() + longest_wait;
        while (::mkdir(folder_.c_str(), 0700) != 0) {
            if (errno != EEXIST) throw GuestsUnavailable{folder_.string() + " cannot be made: " + std::strerror(errno)};
            if (std::chrono::steady_clock::now() >= until) {
                throw GuestsUnavailable{"guest " + std::to_string(vmid) +
                                        ": somebody else is changing its firewall: " + folder_.string() + " is there"};
            }
            end_if_old();
            std::this_thread::sleep_for(between_tries);
        }
    }
    ~FirewallLock() { ::rmdir(folder_.c_str()); }
    FirewallLock(const FirewallLock&) = delete;
    FirewallLock& operator=(const FirewallLock&) = delete;

private:
    void end_if_old() const {
        constexpr timespec none[2]{};
        (void)::utimensat(AT_FDCWD, folder_.c_str(), none, 0);  // refused while it is not
    }

    fs::path folder_;
};

using Sets = std::map<int, std::vector<Prefix>>;  // by N of netN

Sets no_sets() {
    Sets sets;
    for (int number = 0; number < most_nics; ++number) sets[number];
    return sets;
}

Sets wanted_sets(const Context& context, const Guest& guest) {
    auto sets = no_sets();
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

std::string changed(std::string text, const Sets& sets) {
    for (const auto& [number, ranges] : sets) text = with_ipfilter(text, number, ranges);
    return text;
}

fs::path file_of(const Cluster& cluster, int vmid) {
    return cluster.root() / "firewall" / (std::to_string(vmid) + ".fw");
}

std::string read(const fs::path& file) {
    try {
        return config::read_file(file, GuestConfig::most_bytes, config::Access::anybody).text;
    } catch (const InputError& unreadable) {
        throw GuestsUnavailable{unreadable.what()};
    }
}

bool differs(const Cluster& cluster, int vmid, const Sets& sets) {
    const auto text = read(file_of(cluster, vmid));
    try {
        return changed(text, sets) != text;
    } catch (const InputError& unreadable) {
        throw GuestsUnavailable{unreadable.what()};
    }
}

void write(const Cluster& cluster, int vmid, const Sets& sets) {
    const auto file = file_of(cluster, vmid);
    const FirewallLock lock{cluster, vmid};
    (void)::mkdir(file.parent_path().c_str(), 0755);  // as save_vmfw_conf does each time
    replace_file(file, changed(read(file), sets));
}

}  // namespace

void keep_ipfilter(const Cluster& cluster, const Context& context, const Guest& guest) {
    const auto vmid = vmid_of(guest.id);
    if (!vmid) return;
    const auto sets = wanted_sets(context, guest);
    if (differs(cluster, *vmid, sets)) write(cluster, *vmid, sets);
}

bool has_ipfilter(const Cluster& cluster, int vmid) {
    return differs(cluster, vmid, no_sets());
}

void drop_ipfilter(const Cluster& cluster, int vmid) {
    if (has_ipfilter(cluster, vmid)) write(cluster, vmid, no_sets());
}

}  // namespace fip::proxmox
