#include "firmware_restart.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "ports/guest_source.hpp"
#include "qmp.hpp"
#include "read_guest.hpp"
#include "run_command.hpp"
#include "runtime/log.hpp"
#include "runtime/printable.hpp"
#include "task_log.hpp"

#include <sstream>
#include <system_error>
#include <vector>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

constexpr auto shortly = 500ms;  // a second later it is no longer in its firmware
constexpr auto longest_call = 90s;
constexpr auto lasts = 10min;

/// What a note says: "12345", or "ending 2 12345" when we are about to end that process for the second time. A killed
/// watcher's `qm stop` goes on, and is ours, too.
struct Intent {
    std::string process;
    int ends = 0;
};

Intent read_intent(const std::string& text) {
    Intent intent;
    std::istringstream words{text};
    if (text.starts_with("ending ")) words.ignore(7) >> intent.ends;
    words >> intent.process;
    return intent;
}

std::string text_of(const Intent& intent) {
    return intent.ends == 0 ? intent.process : "ending " + std::to_string(intent.ends) + " " + intent.process;
}

/// Tells one run of a guest from the next.
std::string process_of(int vmid, const RunFolders& folders) {
    try {
        return read_intent(config::read_file(folders.pid_file(vmid), 64, config::Access::anybody).text).process;
    } catch (const InputError&) {
        return {};
    }
}

bool is_paused(const std::string& status) {
    return status == "paused" || status == "prelaunch";  // one that was reset meanwhile
}

CommandResult qm(const char* verb, int vmid, const std::function<void()>& meanwhile) {
    try {
        return run_command({"qm", verb, std::to_string(vmid)}, longest_call, Keep::all, meanwhile);
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

std::vector<GuestNote> all_notes(const LeaseStore& store) {
    std::vector<GuestNote> notes;
    store.read([&](const Rows& rows) { notes = rows.guests.notes(NoteKind::restarting); });
    std::erase_if(notes, [](const GuestNote& note) { return !vmid_of(note.guest); });  // libvirt's
    return notes;
}

}  // namespace

FirmwareRestart::FirmwareRestart(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders)
    : context_{context}, folders_{folders}, guest_{guest}, vmid_{vmid} {
    const auto note = note_of(context, guest);
    if (!note) return;
    stage_ = look();
    if (stage_ == Stage::none) forget();
}

FirmwareRestart::Stage FirmwareRestart::look() const {
    const auto note = note_of(context_, guest_);
    if (!note || note->at.boot_id != context_.clock.now().boot_id) return Stage::none;
    const auto intent = read_intent(note->text);
    if (!find_run(vmid_, folders_)) return intent.ends > 0 ? Stage::ended : Stage::none;
    if (process_of(vmid_, folders_) != intent.process) return Stage::none;
    try {
        return is_paused(Qmp{folders_.monitor(vmid_), shortly}.status()) ? Stage::paused : Stage::none;
    } catch (const QmpError&) {
        return Stage::unknown;
    }
}

void FirmwareRestart::pause() {
    const auto process = process_of(vmid_, folders_);
    try {
        if (Qmp{folders_.monitor(vmid_), shortly}.status() != "running") return;
        note(process, context_.clock.now());
        stage_ = Stage::unknown;
        {
            Qmp qmp{folders_.monitor(vmid_), shortly};
            qmp.stop();
            stage_ = Stage::paused;
        }
        // The store may have kept us waiting until its system was up.
        if (!is_in_firmware(vmid_, folders_)) (void)give_up();
    } catch (const QmpError&) {
        // It ends, or is busy: another look tells.
    }
}

std::chrono::milliseconds FirmwareRestart::since_pause() const {
    const auto note = note_of(context_, guest_);
    return note ? std::chrono::duration_cast<std::chrono::milliseconds>(context_.clock.now().boot - note->at.boot)
                : 0ms;
}

bool FirmwareRestart::end(const std::function<void()>& meanwhile) {
    stage_ = look();
    if (stage_ != Stage::paused) return stage_ == Stage::ended;
    const auto before = note_of(context_, guest_);
    if (!before) return false;
    auto intent = read_intent(before->text);
    note(text_of({intent.process, intent.ends + 1}), intent.ends == 0 ? context_.clock.now() : before->at);
    runtime::log(runtime::Level::info, "guest-restarting",
                 std::to_string(vmid_) +
                     ": it began with a wrong MAC: ended in its firmware, to be started with the "
                     "right one");
    if (qm("stop", vmid_, meanwhile).exit_code != 0 || find_run(vmid_, folders_)) return false;
    stage_ = Stage::ended;
    return true;
}

bool FirmwareRestart::is_meant_to_be_off() const {
    const auto note = note_of(context_, guest_);
    if (!note) return false;
    try {
        const Since since{std::chrono::floor<std::chrono::seconds>(note->at.wall),
                          std::chrono::duration_cast<std::chrono::milliseconds>(note->at.boot)};
        return has_other_end(vmid_, since, read_intent(note->text).ends, folders_.tasks);
    } catch (const InputError&) {
        return false;  // the log of tasks is unreadable: a VM that is off for no reason is worse
    }
}

void FirmwareRestart::start(const std::function<void()>& meanwhile) {
    if (is_meant_to_be_off()) {
        runtime::log(runtime::Level::info, "guest-stopped",
                     std::to_string(vmid_) + ": it was stopped while it was ended in its firmware, and stays off");
        return forget();
    }
    const auto ran = qm("start", vmid_, meanwhile);
    if (ran.exit_code != 0 && !find_run(vmid_, folders_)) {
        throw GuestsUnavailable{"guest " + std::to_string(vmid_) +
                                " was ended in its firmware, because it began with a wrong MAC, and does not start "
                                "now: " +
                                runtime::last_line(ran.out)};
    }
    forget();
}

bool FirmwareRestart::give_up() {
    if (stage_ == Stage::unknown) return false;
    if (stage_ == Stage::ended) {
        start();
        return true;
    }
    try {
        if (stage_ == Stage::paused) Qmp{folders_.monitor(vmid_)}.cont();
    } catch (const QmpError&) {
        return false;
    }
    forget();
    return true;
}

void FirmwareRestart::note(const std::string& text, const Now& at) {
    context_.store.write([&](Rows& rows) {
        rows.guests.erase(NoteKind::restarting, guest_, std::nullopt);  // put() would keep the old one
        rows.guests.put({NoteKind::restarting, guest_, "", "", "", text, at});
    });
}

void FirmwareRestart::forget() {
    context_.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::restarting, guest_, std::nullopt); });
    stage_ = Stage::none;
}

std::set<int> FirmwareRestart::noted(const LeaseStore& store) {
    std::set<int> vmids;
    for (const auto& note : all_notes(store)) vmids.insert(*vmid_of(note.guest));
    return vmids;
}

std::set<int> FirmwareRestart::left_over(const Context& context, const RunFolders& folders) {
    std::set<int> vmids;
    const auto now = context.clock.now();
    for (const auto& note : all_notes(context.store)) {
        const int vmid = *vmid_of(note.guest);
        FirmwareRestart left{context, note.guest, vmid, folders};
        if (left.stage() == Stage::none) continue;
        if (now.boot - note.at.boot < lasts) {
            vmids.insert(vmid);
        } else if (left.stage() == Stage::ended) {
            runtime::log(runtime::Level::error, "guest-off",
                         std::to_string(vmid) + ": it was ended in its firmware at " + rfc3339(note.at.wall) +
                             ", because it began with a wrong MAC, and is off since: qm start " + std::to_string(vmid));
            left.forget();
        } else {
            (void)left.give_up();
        }
    }
    return vmids;
}

std::map<int, FirmwareRestart::Stage> FirmwareRestart::give_up_all(const Context& context, const RunFolders& folders) {
    std::map<int, Stage> left;
    for (const auto& note : all_notes(context.store)) {
        const int vmid = *vmid_of(note.guest);
        FirmwareRestart restart{context, note.guest, vmid, folders};
        try {
            if (!restart.give_up()) left.emplace(vmid, restart.stage());
        } catch (const GuestsUnavailable&) {
            left.emplace(vmid, restart.stage());
        }
    }
    return left;
}

}  // namespace fip::proxmox
