#pragma once

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// A Proxmox VE node of a test's own: /etc/pve as pmxcfs shows it, qm, pct, pvesh, pvesm, pveversion, qmrestore and
/// vzdump in PATH, empty /etc, /var/lib and /run/failover-ip, a network of its own, and a PID namespace, so that
/// everything that was started in it ends with the object. Needs root and FUSE; ask why_no_pve_node() before. See
/// tests/simulators/pve/README.md.
///
/// @throws std::runtime_error  from every call: the node does not come up, a file cannot be read or written
class PveNode {
public:
    struct Options {
        std::string name = "pve";
        bool has_network = true;     ///< The bridge vmbr0 with the uplink eno1; without it guests have no taps.
        bool has_qemu = false;       ///< `qm start` runs QEMU; false: a process that stands for it.
        PveNode* cluster = nullptr;  ///< Another node, whose pmxcfs this one shares; must outlive this one.
        std::vector<std::string> other_nodes{};            ///< Members of the cluster that nobody plays.
        std::map<std::string, std::string> environment{};  ///< Of every command: FIP_SIM_PVE_...
    };

    PveNode();
    explicit PveNode(Options options);
    ~PveNode();
    PveNode(const PveNode&) = delete;
    PveNode& operator=(const PveNode&) = delete;

    /// With PVE's PATH and root's environment, in "/". argv[0]: a name in that PATH, or a path.
    Result run(std::vector<std::string> argv, const std::string& input = "",
               std::chrono::milliseconds limit = std::chrono::seconds{60});
    Result run(Command command, std::chrono::milliseconds limit = std::chrono::seconds{60});
    [[nodiscard]] Process spawn(std::vector<std::string> argv, std::map<std::string, std::string> environment = {});
    /// The same, and it must succeed. Returns its output.
    std::string must(std::vector<std::string> argv);

    /// Any file as a process in the node sees it. write(): missing folders are made; beneath /etc/pve it is a change by
    /// this node, by tmp and rename.
    void write(const std::string& path, const std::string& text, bool is_executable = false);
    [[nodiscard]] std::string read(const std::string& path) const;
    [[nodiscard]] bool exists(const std::string& path) const;
    /// The same file, by a path of this process: "/proc/PID/root/...".
    [[nodiscard]] std::string outside(const std::string& path) const;

    /// The config file of a VM or a container of this node; empty: there is none.
    [[nodiscard]] std::optional<std::string> config(int vmid) const;
    /// A key of the config's main section; "": not set.
    [[nodiscard]] std::string config_value(int vmid, const std::string& key) const;
    /// Of a VM or a container that runs; 0: it does not.
    [[nodiscard]] pid_t pid_of(int vmid);  ///< In the node's own numbers.
    void power_off(int vmid);              ///< As the guest itself would. Of one that does not run: no effect.

    /// One QMP command (JSON) to a running VM's monitor. Returns all that it said: greeting, events, replies, a line
    /// each.
    std::string qmp(int vmid, const std::string& request);

    /// A snippet with that text, as `local:snippets/NAME`.
    void put_snippet(const std::string& name, const std::string& text);
    /// ... that is a copy of a program of the build.
    void put_snippet_program(const std::string& name, const std::string& program);

    /// pmxcfs ends: /etc/pve is the empty folder below it. Its content is kept for pmxcfs_up().
    void pmxcfs_down();
    /// ... by a kill: /etc/pve answers ENOTCONN until somebody unmounts it; pmxcfs_up() does.
    void pmxcfs_crash();
    /// Starts anew, with another starttime; `is_empty`: nothing of what was there is left.
    void pmxcfs_up(bool is_empty = false);
    void quorum(bool is_there);
    void read_only(bool is_read_only);
    void pmxcfs_hangs(bool does);  ///< No request is answered, by nobody, until false.

    // What another node of the cluster does: without an inotify event here. Paths are relative to /etc/pve and name the
    // node's folder: "nodes/other/qemu-server/100.conf".
    void other_node_puts(const std::string& path, const std::string& text);
    void other_node_renames(const std::string& from, const std::string& to);
    void other_node_removes(const std::string& path);
    /// One command to pmxcfs (tests/simulators/pve/README.md). Returns what it answers.
    std::string control(const std::string& command, const std::string& body = "");

    [[nodiscard]] const std::string& name() const { return options_.name; }
    [[nodiscard]] pid_t pid() const { return init_; }  ///< For Command::inside, and namespaces in /proc.
    /// Of commands from now on; FIP_SIM_PVE_... of what runs already too.
    void set_environment(const std::string& name, const std::string& value);

private:
    [[nodiscard]] Command command(std::vector<std::string> argv) const;
    void start_pmxcfs();
    void write_settings();

    Options options_;
    std::map<std::string, std::string> environment_;
    TempDir dir_;
    std::unique_ptr<Process> holder_;
    std::unique_ptr<Process> pmxcfs_;
    pid_t init_ = 0;
    int generation_ = 0;
};

/// Empty: a PveNode can be made here. Else what is missing, for `WARN("SKIPPED: ...")`.
[[nodiscard]] std::string why_no_pve_node();

}  // namespace fip::test
