#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace fip::test {

using namespace std::chrono_literals;

/// A throw-away machine with a libvirtd of its own, in namespaces. Up when constructed, gone without a trace when
/// destroyed or when the test dies. `lab-host` in this folder is the program behind it and says what is inside.
///
/// @throws std::runtime_error  with the log's end, when libvirtd does not come up
class LabHost {
public:
    struct Options {
        std::string hostname = "lab";
        std::string uuid{};  ///< Empty: a random one. A host keeps it over reboot().
        std::vector<std::string> bridges{"br0"};
    };

    LabHost();
    explicit LabHost(const Options& options);
    ~LabHost();
    LabHost(const LabHost&) = delete;
    LabHost& operator=(const LabHost&) = delete;

    /// Run to the end inside. The network, / of the mounts and the PIDs are the host's own; /tmp and the build are
    /// ours.
    Result exec(std::vector<std::string> argv, std::string input = {}, std::chrono::milliseconds limit = 60s);
    Result exec(Command command, std::chrono::milliseconds limit = 60s);

    /// Runs inside beside the test: a daemon of ours, a simulator.
    [[nodiscard]] Process spawn(std::vector<std::string> argv, std::map<std::string, std::string> environment = {});

    Result virsh(std::vector<std::string> arguments, std::chrono::milliseconds limit = 60s);

    /// These are steps of a story: they throw with libvirt's words when they fail.
    void define(const std::string& xml);
    void start(const std::string& guest);
    void destroy(const std::string& guest);
    void undefine(const std::string& guest);

    [[nodiscard]] std::string live_xml(const std::string& guest);
    [[nodiscard]] std::string inactive_xml(const std::string& guest);  ///< With secrets: what a redefine starts from.
    [[nodiscard]] std::string state(const std::string& guest);  ///< "running", "shut off", …; empty: no such guest.
    [[nodiscard]] std::vector<std::string> guests();            ///< Names, running or not.

    /// What a guest made by domain_xml() has said on its serial console.
    [[nodiscard]] std::string console(const std::string& guest) const;
    [[nodiscard]] bool console_shows(const std::string& guest, const std::string& text,
                                     std::chrono::milliseconds limit = 60s) const;

    void stop_libvirtd();
    void kill_libvirtd();
    void start_libvirtd();
    void restart_libvirtd();
    void new_boot_id();
    void reboot();  ///< Everything inside ends; what is on disk stays; another boot id.

    /// Where a file of the host lies for us: path("/etc/failover-ip/config.toml"). Only below its private folders:
    /// /etc/libvirt, /etc/failover-ip, /var/{lib,log,cache}/libvirt, /var/lib/failover-ip, /run.
    [[nodiscard]] std::string path(const std::string& inside) const;
    void write(const std::string& inside, const std::string& text, unsigned mode = 0644) const;

    [[nodiscard]] std::string uri() const;  ///< Its libvirtd, from outside.
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] pid_t init_pid() const { return init_pid_; }

private:
    void up();
    void control(const std::string& command);

    Options options_;
    TempDir dir_;
    std::string folder_;
    std::unique_ptr<Process> host_;  // ended before its folder goes
    pid_t init_pid_ = 0;
};

/// A cable between two hosts: 10.99.0.1 and 10.99.0.2.
void link(const LabHost& one, const LabHost& two);

struct NicXml {
    std::string mac{};  ///< Empty: libvirt makes one up.
    std::string bridge = "br0";
    std::string model = "virtio";  ///< Or e1000e: then the guest runs Debian's generic kernel, and boots slower.
};

/// A guest of domain_xml() in all its parts.
struct GuestXml {
    std::string name;
    std::string uuid;
    std::vector<NicXml> nics{};
    std::string metadata{};
    std::string machine = "pc";  ///< Or "q35".
    bool has_acpi = true;
    std::string kernel_arguments{};  ///< Such as "fip.ip=203.0.113.5": `guest-image` in this folder says which.
    bool has_terminal = false;       ///< The console also takes commands, on the socket /run/NAME.tty.
};

/// A guest without KVM that boots in about two seconds, says on its console `FIP-GUEST mac eth0 …` for each NIC and
/// `FIP-GUEST ready`, and powers off on `virsh shutdown`.
[[nodiscard]] std::string domain_xml(const GuestXml& guest);
[[nodiscard]] std::string domain_xml(const std::string& name, const std::string& uuid, const std::vector<NicXml>& nics,
                                     const std::string& metadata = {});
[[nodiscard]] std::string domain_xml(const std::string& name, const std::string& uuid, const std::string& mac,
                                     const std::string& bridge = "br0");
}  // namespace fip::test
