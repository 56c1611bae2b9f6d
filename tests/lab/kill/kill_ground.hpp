#pragma once

#include "lab/libvirt/daemon_lab.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fip::test {

/// A guest as libvirtd has it stored.
struct Defined {
    std::string name;
    std::string uuid;
    std::string xml;
    std::vector<std::string> macs;
    std::string state;                   ///< "running", "paused" or "shut off"
    std::vector<std::string> live_macs;  ///< Of the running guest.
};

/// Of the guests here as their makers wrote them. What does not begin so was written by the daemon.
constexpr auto own_mac_prefix = "02:";

/// What is wrong, in sentences. Empty: nothing.
using Wrongs = std::vector<std::string>;

/// A daemon lab that can be put back to where it was: for daemons that are killed over and over.
///
/// Guests are changed through libvirt's own calls: a virsh for each step would cost more than what is tested. Any
/// thread may do that; everything else is for one thread.
class KillGround {
public:
    /// Of the configuration: `patient` compares once at its start, `hasty` several times a second.
    enum class Pace { patient, hasty };

    explicit KillGround(DaemonLab::Options options);
    ~KillGround();
    KillGround(const KillGround&) = delete;
    KillGround& operator=(const KillGround&) = delete;

    DaemonLab lab;

    /// @throws std::runtime_error  with libvirt's words
    void define(const std::string& xml);
    /// Define and start without a breath between them: the start wins the race against the daemon.
    void define_and_start(const std::string& xml);
    void undefine(const std::string& name);  ///< Of none: no effect.
    [[nodiscard]] std::vector<Defined> guests() const;

    void use(Pace pace);
    /// A daemon whose clock the test moves; `environment` comes on top.
    [[nodiscard]] Process spawn_daemon(std::map<std::string, std::string> environment = {},
                                       bool is_to_be_killed = false);
    /// It listens to libvirt, and a first look at all guests is on record: who comes now is new.
    [[nodiscard]] bool is_at_work(const Process& daemon) const;
    void move_clock(std::chrono::seconds by);
    void reset_clock();

    /// An uplink on br0, named in the configuration: from now on the daemon keeps a guard there.
    void lay_uplink();

    /// Store, account and definitions, while no daemon runs.
    void save();
    void restore();

    /// What may never be seen, at whatever instant the daemon died. Only while none runs.
    [[nodiscard]] Wrongs wrong_at_once();
    /// What must not be left once a daemon had the time it needs.
    [[nodiscard]] Wrongs wrong_when_quiet() const;
    /// Wait until nothing is wrong and stays so over a comparison or two; moves the clock on, so that pauses of minutes
    /// are over soon.
    /// @returns what is still wrong after `limit`
    [[nodiscard]] Wrongs settle(std::chrono::milliseconds limit);

private:
    struct Libvirt;
    struct Saved;

    [[nodiscard]] std::string store_folder() const;
    [[nodiscard]] Wrongs wrong_in_kernel();

    std::unique_ptr<Libvirt> libvirt_;
    std::unique_ptr<Saved> saved_;
    std::chrono::seconds shift_{0};
    bool has_uplink_ = false;
};

[[nodiscard]] std::string joined(const Wrongs& wrongs);

/// `number` chooses name, UUID and the MACs its maker wrote.
[[nodiscard]] IdleGuest own_guest(int number, int nics = 1);

}  // namespace fip::test
