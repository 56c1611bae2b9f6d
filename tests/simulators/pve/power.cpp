#include "simulators/pve/power.hpp"

#include "simulators/pve/container.hpp"
#include "simulators/pve/hook.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/text.hpp"
#include "simulators/pve/update.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

bool is_running(const Guest& guest) {
    return guest.kind == Kind::qemu ? is_machine_running(guest) : is_container_running(guest);
}

std::string reboot_file(const Guest& guest) {
    return "/run/qemu-server/" + guest.id() + ".reboot";
}

// facts 1.2 step 3: the drive has what the config says now. Here it is a text: "net0: ...", "ipconfig0: ...".
void make_cloud_init_drive(const Guest& guest, const ConfigFile& config) {
    const bool has_drive = std::ranges::any_of(
        config.main.values, [](const auto& value) { return value.second.find("cloudinit") != std::string::npos; });
    if (!has_drive) return;
    fs::create_directories("/run/qemu-server");
    std::ofstream drive{"/run/qemu-server/" + guest.id() + ".cloudinit"};
    for (const auto& [key, value] : config.main.values) {
        if (is_net(key) || key.starts_with("ipconfig")) drive << key << ": " << value << '\n';
    }
}

template <typename Work>
void as_task(const Guest& guest, const std::string& what, Work work) {
    Task task{(guest.kind == Kind::qemu ? "qm" : "vz") + what, guest.id()};
    try {
        work();
    } catch (const std::exception& error) {
        task.failed(join(split(error.what(), '\n'), " ") +
                    (std::string{error.what()}.starts_with("hookscript") ? " " : ""));
        throw;
    }
}

// facts 1.2, steps 1 to 7. The caller holds the lock.
void start_machine_locked(const Guest& guest, const PowerOptions& options, bool is_paused) {
    auto config = load(guest, options.migrated_from);
    if (config.main.get("template") == "1") throw CommandError{"you can't start a vm if it's a template\n"};
    const bool is_suspended = config.main.get("lock") == "suspended";
    if (!options.skips_lock && !is_suspended) check_lock(guest, config);
    if (is_running(guest)) throw CommandError{"VM " + guest.id() + " already running\n"};
    ::setenv("PVE_MIGRATED_FROM", options.migrated_from.c_str(), 1);  // only by a start, maybe empty (facts 1.1)
    if (!is_suspended && options.migrated_from.empty() && apply_pending(guest, config)) config = load(guest);
    if (options.migrated_from.empty()) make_cloud_init_drive(guest, config);
    run_hook(guest, config, "pre-start");
    start_machine(guest, config, {options.migrated_from, is_paused});
    if (is_suspended) {
        // facts 1.3: the whole config is written back, as it was before the hook.
        for (const auto* key : {"lock", "vmstate", "runningmachine"}) config.main.values.erase(key);
        save(guest, config);
    }
    run_hook(guest, config, "post-start");
    ::unsetenv("PVE_MIGRATED_FROM");
}

// facts 1.5
void start_container_locked(const Guest& guest, const PowerOptions& options) {
    auto config = load(guest);
    if (config.main.get("template") == "1") throw CommandError{"you can't start a CT if it's a template\n"};
    if (!options.skips_lock) check_lock(guest, config);
    if (is_running(guest)) throw CommandError{"CT " + guest.id() + " already running\n"};
    if (apply_pending(guest, config)) config = load(guest);
    run_hook(guest, config, "pre-start");
    start_container(guest, config);
    run_hook(guest, config, "post-start");
}

// pre-stop in the task; post-stop comes later, from another process (facts 1.4). Pending values are applied from the
// copy that was read before the hook (facts 1.3).
void stop_locked(const Guest& guest, ConfigFile& config) {
    run_hook(guest, config, "pre-stop");
    if (guest.kind == Kind::qemu) {
        stop_machine(guest);
        apply_pending(guest, config);
    } else {
        stop_container(guest);
    }
}

}  // namespace

void start_guest(const Guest& guest, const PowerOptions& options) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(guest, "start", [&] {
        if (options.migrated_from.empty()) static_cast<void>(load(guest));
        check_quorum();
        const GuestLock hold{guest};
        if (guest.kind == Kind::qemu) {
            start_machine_locked(guest, options, false);
        } else {
            start_container_locked(guest, options);
        }
    });
}

void stop_guest(const Guest& guest, const PowerOptions& options) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(guest, "stop", [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        if (!options.skips_lock) check_lock(guest, config);
        if (!is_running(guest)) {
            if (guest.kind == Kind::lxc) throw CommandError{"CT " + guest.id() + " not running\n"};
            return;
        }
        stop_locked(guest, config);
    });
}

void shut_down_guest(const Guest& guest, const PowerOptions& options, int seconds, bool forces) {
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(guest, "shutdown", [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        if (!options.skips_lock) check_lock(guest, config);
        if (!is_running(guest)) throw CommandError{std::string{guest.word()} + " " + guest.id() + " not running\n"};
        if (guest.kind == Kind::lxc) {
            stop_locked(guest, config);
            return;
        }
        run_hook(guest, config, "pre-stop");
        tell_machine(guest, "system_powerdown");
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
        while (is_running(guest) && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(50ms);
        if (is_running(guest) && !forces) throw CommandError{"VM quit/powerdown failed - got timeout\n"};
        stop_machine(guest);
        apply_pending(guest, config);
    });
}

// facts 1.4: stop phases now; `qm cleanup` finds the file and starts it again in a task of its own.
void reboot_guest(const Guest& guest) {
    pause("FIP_SIM_PVE_DELAY_MS");
    if (guest.kind == Kind::lxc) {
        stop_guest(guest, {});
        std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds("FIP_SIM_PVE_CLEANUP_MS", 700)});
        start_guest(guest, {});
        return;
    }
    as_task(guest, "reboot", [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (!is_running(guest)) throw CommandError{"VM " + guest.id() + " not running\n"};
        std::ofstream{reboot_file(guest)} << "";
        run_hook(guest, config, "pre-stop");
        stop_machine(guest);
    });
}

// facts 1.4: hibernation has no pre-stop. The lock says what the file waits for.
void suspend_guest(const Guest& guest, bool to_disk) {
    pause("FIP_SIM_PVE_DELAY_MS");
    if (!is_running(guest)) throw CommandError{"VM " + guest.id() + " not running\n", 2};
    as_task(guest, "suspend", [&] {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        if (!to_disk) {
            tell_machine(guest, "stop");
            return;
        }
        config.main.values["lock"] = "suspending";
        config.main.values["vmstate"] = "local:" + guest.id() + "/vm-" + guest.id() + "-state-suspend.raw";
        config.main.values["runningmachine"] = "pc-i440fx-7.2+pve0";
        save(guest, config);
        stop_machine(guest);
        config.main.values["lock"] = "suspended";
        save(guest, config);
    });
}

void resume_guest(const Guest& guest) {
    if (!is_running(guest)) {
        if (load(guest).main.get("lock") == "suspended") return start_guest(guest, {});
        throw CommandError{"VM " + guest.id() + " not running\n", 2};
    }
    pause("FIP_SIM_PVE_DELAY_MS");
    as_task(guest, "resume", [&] {
        const GuestLock hold{guest};
        tell_machine(guest, "cont");
    });
}

void clean_up_guest(const Guest& guest) {
    ::unsetenv("PVE_MIGRATED_FROM");
    if (!exists(guest)) return;  // facts 1.4: migrated or destroyed meanwhile
    const auto clean_up = [&] {
        const auto config = load(guest);
        if (is_running(guest)) throw CommandError{"vm still running\n"};
        if (guest.kind == Kind::qemu) remove_runtime_files(guest);
        run_hook(guest, config, "post-stop");
    };
    if (guest.kind == Kind::lxc) return clean_up();  // facts 1.5: without the lock
    {
        const GuestLock hold{guest, 60};
        clean_up();
    }
    if (::unlink(reboot_file(guest).c_str()) == 0) start_guest(guest, {});
}

void back_up_guest(const Guest& guest) {
    pause("FIP_SIM_PVE_DELAY_MS");
    Task task{"vzdump", guest.id()};
    try {
        const GuestLock hold{guest};
        auto config = load(guest);
        check_lock(guest, config);
        config.main.values["lock"] = "backup";
        save(guest, config);
        const bool starts = guest.kind == Kind::qemu && !is_running(guest);
        const auto unlock = [&] {
            config = load(guest);
            config.main.values.erase("lock");
            save(guest, config);
        };
        try {
            if (starts) start_machine_locked(guest, {.skips_lock = true, .migrated_from = ""}, true);
            pause("FIP_SIM_PVE_BACKUP_MS");
            if (starts) {
                config = load(guest);
                run_hook(guest, config, "pre-stop");
                stop_machine(guest);
            }
        } catch (...) {
            unlock();
            throw;
        }
        unlock();
    } catch (const std::exception& error) {
        task.failed(join(split(error.what(), '\n'), " "));
        throw;
    }
}

void stop_for_rollback(const Guest& guest, const ConfigFile& config) {
    auto copy = config;
    copy.pending = {};
    stop_locked(guest, copy);
}

}  // namespace fip::sim::pve
