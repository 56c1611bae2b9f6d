#include "firmware_restart.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "qmp.hpp"
#include "read_guest.hpp"
#include "run_command.hpp"
#include "runtime/printable.hpp"

#include <optional>
#include <system_error>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

constexpr auto shortly = 500ms;  // a second later it is no longer in its firmware
constexpr auto longest_call = 60s;

/// Tells one run of a guest from the next.
std::string process_of(int vmid, const RunFolders& folders) {
    try {
        return config::read_file(folders.pid_file(vmid), 64, config::Access::anybody).text;
    } catch (const InputError&) {
        return {};
    }
}

bool is_paused(const std::string& status) {
    return status == "paused" || status == "prelaunch";  // one that was reset meanwhile
}

bool is_younger(const GuestNote& note, const Now& now, std::chrono::milliseconds age) {
    return note.at.boot_id == now.boot_id && now.boot - note.at.boot < age;
}

CommandResult qm(const char* verb, int vmid) {
    try {
        return run_command({"qm", verb, std::to_string(vmid)}, longest_call);
    } catch (const std::system_error& error) {
        return {.exit_code = 127, .out = error.what()};
    }
}

std::optional<GuestNote> note_of(const Context& context, const GuestId& guest) {
    std::optional<GuestNote> found;
    context.store.read([&](const Rows& rows) {
        for (auto& note : rows.guests.notes_of(guest)) {
            if (note.kind == NoteKind::restarting) found = std::move(note);
        }
    });
    return found;
}

}  // namespace

FirmwareRestart::FirmwareRestart(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders)
    : context_{context}, folders_{folders}, guest_{guest}, vmid_{vmid} {
    const auto note = note_of(context, guest);
    if (!note) return;
    stage_ = look(*note);
    if (stage_ == Stage::none) forget();
}

FirmwareRestart::Stage FirmwareRestart::look(const GuestNote& note) const {
    if (note.at.boot_id != context_.clock.now().boot_id) return Stage::none;
    if (!find_run(vmid_, folders_)) return Stage::ended;
    if (process_of(vmid_, folders_) != note.text) return Stage::none;
    try {
        return is_paused(Qmp{folders_.monitor(vmid_), shortly}.status()) ? Stage::paused : Stage::none;
    } catch (const QmpError&) {
        return Stage::unknown;
    }
}

void FirmwareRestart::pause() noexcept {
    try {
        if (Qmp{folders_.monitor(vmid_), shortly}.status() != "running") return;
        const auto process = process_of(vmid_, folders_);
        context_.store.write([&](Rows& rows) {
            rows.guests.put({NoteKind::restarting, guest_, "", "", "", process, context_.clock.now()});
        });
        stage_ = Stage::unknown;
        Qmp{folders_.monitor(vmid_), shortly}.stop();
        stage_ = Stage::paused;
    } catch (const QmpError&) {
        // It ends, or is busy: another look tells.
    } catch (const StoreBusy&) {
        // Without its note it must not be paused.
    } catch (const StoreError&) {
        // The same.
    }
}

bool FirmwareRestart::end() {
    if (qm("stop", vmid_).exit_code != 0 || find_run(vmid_, folders_)) return false;
    stage_ = Stage::ended;
    return true;
}

bool FirmwareRestart::start() {
    const auto ran = qm("start", vmid_);
    if (ran.exit_code != 0 && !find_run(vmid_, folders_)) {
        for (const auto* locked : {"got timeout", " is locked ("}) {
            if (ran.out.find(locked) != std::string::npos) return false;
        }
        forget();
        throw InputError{"it began with a wrong MAC and was ended in its firmware, and does not start again: " +
                         runtime::last_line(ran.out)};
    }
    forget();
    return true;
}

bool FirmwareRestart::give_up() {
    if (stage_ == Stage::unknown) return false;
    if (stage_ == Stage::ended) return start();
    try {
        if (stage_ == Stage::paused) Qmp{folders_.monitor(vmid_)}.cont();
    } catch (const QmpError&) {
        return false;
    }
    forget();
    return true;
}

void FirmwareRestart::forget() {
    context_.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::restarting, guest_, std::nullopt); });
    stage_ = Stage::none;
}

std::set<int> FirmwareRestart::left_over(const LeaseStore& store) {
    std::set<int> vmids;
    store.read([&](const Rows& rows) {
        for (const auto& note : rows.guests.notes(NoteKind::restarting)) {
            if (const auto vmid = vmid_of(note.guest)) vmids.insert(*vmid);  // else libvirt's
        }
    });
    return vmids;
}

void FirmwareRestart::give_up_after(const Context& context, const RunFolders& folders, std::chrono::milliseconds age) {
    const auto now = context.clock.now();
    std::vector<GuestNote> notes;
    context.store.read([&](const Rows& rows) { notes = rows.guests.notes(NoteKind::restarting); });
    for (const auto& note : notes) {
        const auto vmid = vmid_of(note.guest);
        if (!vmid || is_younger(note, now, age)) continue;
        FirmwareRestart left{context, note.guest, *vmid, folders};
        if (left.stage() == Stage::ended && !is_younger(note, now, lasts)) {
            left.forget();
        } else {
            (void)left.give_up();
        }
    }
}

}  // namespace fip::proxmox
