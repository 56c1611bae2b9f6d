#pragma once

#include "core/lease.hpp"
#include "lab/lab_host.hpp"
#include "ports/rows.hpp"
#include "simulators/online/client.hpp"
#include "support/process.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// A lab host with failover-ip on it: configuration, token, the provider's simulator, and the daemon when asked for.
class DaemonLab {
public:
    struct Options {
        std::vector<std::string> addresses{"203.0.113.5", "203.0.113.6", "203.0.113.7"};
        int warm = 1;
        std::string cooldown = "1s";
        std::string interval = "60s";
        std::string grace = "10m";
        std::string hostname = "{name}.example.com";
        std::string libvirt_uris{};  ///< As the configuration has it; empty: the default.
        std::string on_wrong_mac = "swap";
        std::string filter{};      ///< Of the pool's addresses; empty: none.
        std::string pool_lines{};  ///< More settings of the pool, whole lines.
        std::string more_pools{};  ///< Whole sections for the configuration's end.
        double busy_seconds = 0;
        LabHost::Options host{};
        std::vector<std::pair<std::int64_t, std::string>> servers{{11111, "192.0.2.10"}};
    };

    DaemonLab() : DaemonLab{Options{}} {}
    explicit DaemonLab(Options options);

    LabHost host;
    OnlineSimulator provider;
    Options options;  ///< Change it, write_config(), reload.

    void write_config() const;
    /// And wait until it answers and has looked at everything once.
    void start_daemon(std::map<std::string, std::string> environment = {});
    Result stop_daemon();  ///< SIGTERM.
    void kill_daemon();
    void reload();  ///< SIGHUP.
    [[nodiscard]] std::string log() const { return daemon_ ? daemon_->err() : std::string{}; }
    [[nodiscard]] Process& daemon() { return *daemon_; }

    /// `failover-ip-libvirt --once ARGUMENTS...`
    Result once(std::vector<std::string> arguments);

    [[nodiscard]] std::vector<Lease> rows() const;                                  ///< Everything in the store.
    [[nodiscard]] std::vector<Lease> held_by(const std::string& guest_name) const;  ///< Held leases, by slot.
    [[nodiscard]] std::size_t held() const;

    /// The MACs in the stored definition, in order.
    [[nodiscard]] std::vector<std::string> macs(const std::string& guest);
    void create(const std::string& xml);  ///< `virsh create`: started without a definition.
    /// The MACs that the running guest has, in order.
    [[nodiscard]] std::vector<std::string> live_macs(const std::string& guest);
    /// The MACs that a guest of domain_xml() has ever shown on its console.
    [[nodiscard]] std::vector<std::string> seen_macs(const std::string& guest) const;
    /// It runs, not paused, and its NICs wear the MACs of its leases.
    [[nodiscard]] bool is_right(const std::string& guest, std::size_t nics = 1);
    [[nodiscard]] std::vector<GuestNote> notes(NoteKind kind) const;
    /// The store says that a swap is under way.
    [[nodiscard]] bool has_swap_notes() const { return !notes(NoteKind::swapping).empty(); }
    /// Replace a MAC in the stored definition, and do something else in the same breath: nobody comes in between.
    void set_stored_mac(const std::string& guest, const std::string& from, const std::string& to,
                        const std::string& then);
    /// How long the guest's QEMU has been there; zero: it is not.
    [[nodiscard]] std::chrono::seconds process_age(const std::string& guest);
    /// Every lease of the guest is active, named at the provider, and its MACs are in the definition.
    [[nodiscard]] bool is_served(const std::string& guest, std::size_t addresses = 1);
    /// Nothing is held, and the provider has no MAC and no reverse name beside the warm stock.
    [[nodiscard]] bool is_all_given_back();
    [[nodiscard]] std::string story() const;  ///< The log and the store, for a failed test.

private:
    std::optional<Process> daemon_;
};

/// A guest that only sits in its firmware: starts in a moment and needs no image.
struct IdleGuest {
    std::string name = "web1";
    std::string uuid = "6f1b1f5e-0000-4000-8000-000000000001";
    std::vector<std::string> interfaces{};  ///< Whole elements; empty: one on br0 with a MAC of libvirt's own making.
    std::string metadata{};
    [[nodiscard]] std::string xml() const;
};
[[nodiscard]] std::string bridge_nic(const std::string& mac = {}, const std::string& bridge = "br0");
[[nodiscard]] std::string numbered_uuid(int number);

/// REQUIRE that it becomes true; tells the story when it does not.
#define AWAIT(lab, condition)                                                              \
    do {                                                                                   \
        const bool came_true_ = ::fip::test::wait_until([&] { return (condition); }, 20s); \
        if (!came_true_) UNSCOPED_INFO((lab).story());                                     \
        REQUIRE(came_true_);                                                               \
    } while (false)

}  // namespace fip::test
