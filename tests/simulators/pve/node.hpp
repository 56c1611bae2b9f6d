#pragma once

#include "simulators/pve/config_file.hpp"

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace fip::sim::pve {

/// What a command ends with: its text goes to stderr as it is.
class CommandError : public std::runtime_error {
public:
    explicit CommandError(const std::string& text, int exit_code = 255)
        : std::runtime_error{text}, exit_code_{exit_code} {}
    [[nodiscard]] int exit_code() const { return exit_code_; }

private:
    int exit_code_;
};

/// A refused value: the CLI adds its head and its usage line.
class ParameterError : public std::runtime_error {
public:
    ParameterError(const std::string& key, const std::string& why, int exit_code = 255)
        : std::runtime_error{key + ": " + why + "\n"}, exit_code_{exit_code} {}
    explicit ParameterError(const std::string& lines) : std::runtime_error{lines} {}
    [[nodiscard]] int exit_code() const { return exit_code_; }

private:
    int exit_code_ = 255;
};

struct Guest {
    Kind kind = Kind::qemu;
    int vmid = 0;

    [[nodiscard]] std::string id() const { return std::to_string(vmid); }
    [[nodiscard]] const char* folder() const { return kind == Kind::qemu ? "qemu-server" : "lxc"; }
    [[nodiscard]] const char* word() const { return kind == Kind::qemu ? "VM" : "CT"; }
};

[[nodiscard]] std::string node_name();
[[nodiscard]] bool is_pmxcfs_up();
/// facts 2.5: PVE tests the owner's write bit of lstat(/etc/pve/local).
void check_quorum();
/// A switch of the simulator, FIP_SIM_PVE_... in README.md: of the environment, else a line NAME=VALUE of
/// /run/fip-sim-pve, which also reaches what is started with an environment of its own. "": not set.
[[nodiscard]] std::string setting(const std::string& name);
[[nodiscard]] int milliseconds(const std::string& name, int otherwise);
void pause(const std::string& name);  ///< Sleeps that long; unset: not at all.

[[nodiscard]] std::string config_path(const Guest& guest, const std::string& node = "");
[[nodiscard]] bool exists(const Guest& guest, const std::string& node = "");
/// Where a VMID is, of either kind; "" : nowhere.
[[nodiscard]] std::string node_of(int vmid);
/// @throws CommandError  there is no file in that node's folder; "": this node's
[[nodiscard]] ConfigFile load(const Guest& guest, const std::string& node = "");
/// facts 2.5: tmp in the same folder, then rename.
void save(const Guest& guest, const ConfigFile& config);
void save_text(const Guest& guest, const std::string& text);
void erase(const Guest& guest);
/// "VM is locked (backup)" (facts 2.5).
void check_lock(const Guest& guest, const ConfigFile& config);

void write_atomically(const std::string& path, const std::string& text);
[[nodiscard]] std::string mac_prefix();  ///< facts 2.3: of datacenter.cfg, else BC:24:11
/// facts 1.1: volid to path; @throws CommandError with PVE's words, without a newline
[[nodiscard]] std::string hookscript_path(const std::string& volume);

/// The node-local lock of one guest's config: flock(), and the file stays (facts 1.3, 2.5).
class GuestLock {
public:
    enum class Mode { exclusive, shared };
    /// @throws CommandError  another one held it for that long
    explicit GuestLock(const Guest& guest, int seconds = 10, Mode mode = Mode::exclusive);
    ~GuestLock();
    GuestLock(const GuestLock&) = delete;
    GuestLock& operator=(const GuestLock&) = delete;

private:
    int file_ = -1;
};

/// What a command prints, also into the log of its task.
void say(const std::string& text);
void warn(const std::string& text);

/// facts 4.2: a task of this node, with its log and its line in the index.
class Task {
public:
    Task(const std::string& type, const std::string& id);
    ~Task();
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    void failed(const std::string& why) { status_ = why; }
    [[nodiscard]] const std::string& upid() const { return upid_; }

private:
    std::string upid_;
    std::string status_ = "OK";
};

}  // namespace fip::sim::pve
