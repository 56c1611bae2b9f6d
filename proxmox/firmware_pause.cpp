#include "firmware_pause.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "qmp.hpp"
#include "read_guest.hpp"

#include <algorithm>
#include <thread>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

constexpr auto firmware_step = 15ms;  // SeaBIOS fills its shadow RAM within some
constexpr int most_steps = 20;
constexpr auto shortly = 500ms;  // a second later it is no longer in its firmware

/// Tells one run of a guest from the next.
std::string process_of(int vmid, const RunFolders& folders) {
    try {
        return config::read_file(folders.pid_file(vmid), 64, config::Access::anybody).text;
    } catch (const InputError&) {
        return {};
    }
}

void forget(const Context& context, const GuestId& guest) {
    context.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::swapping, guest, std::nullopt); });
}

/// False: its QEMU does not answer.
bool let_go_on(const Context& context, const GuestNote& note, const RunFolders& folders) {
    const auto vmid = vmid_of(note.guest);
    if (!vmid) return true;  // libvirt's
    const bool is_same_run = process_of(*vmid, folders) == note.text && note.at.boot_id == context.clock.now().boot_id;
    if (is_same_run) {
        try {
            Qmp qmp{folders.monitor(*vmid)};
            // A paused one that was reset is "prelaunch".
            if (const auto status = qmp.status(); status == "paused" || status == "prelaunch") {
                qmp.reset();
                qmp.cont();
            }
        } catch (const QmpError&) {
            if (std::filesystem::exists(folders.monitor(*vmid))) return false;
        }
    }
    forget(context, note.guest);
    return true;
}

}  // namespace

FirmwarePause::FirmwarePause(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders)
    : context_{context}, guest_{guest}, monitor_{folders.monitor(vmid)} {
    const auto process = process_of(vmid, folders);
    try {
        if (Qmp{monitor_, shortly}.status() != "running") return;  // somebody else's pause, or a migration
        context.store.write([&](Rows& rows) {
            rows.guests.put({NoteKind::swapping, guest, "", "", "", process, context.clock.now()});
        });
        is_paused_ = true;
        for (int step = 0; step < most_steps; ++step) {
            {
                Qmp qmp{monitor_, shortly};
                qmp.stop();
                if (qmp.can_begin_anew()) return;
                qmp.cont();
            }
            std::this_thread::sleep_for(firmware_step);
        }
    } catch (const QmpError&) {
        // It ends, or is busy: `qm set` says what comes of it.
    }
}

void FirmwarePause::reset() noexcept {
    if (!is_paused_) return;
    try {
        Qmp{monitor_, shortly}.reset();
    } catch (const std::exception&) {
        // qemu-server talks to it at this moment; there will be another.
    }
}

bool FirmwarePause::end() noexcept {
    if (!is_paused_) return true;
    try {
        if (!has_gone_on_) {
            Qmp qmp{monitor_};
            qmp.reset();
            qmp.cont();
        }
        has_gone_on_ = true;  // it must not be reset once more, whatever becomes of the note
        forget(context_, guest_);
        is_paused_ = false;
    } catch (const std::exception&) {
        // The note stays: recover() comes back to it.
    }
    return !is_paused_;
}

void FirmwarePause::recover(const Context& context, const RunFolders& folders) {
    std::vector<GuestNote> notes;
    context.store.read([&](const Rows& rows) { notes = rows.guests.notes(NoteKind::swapping); });
    for (const auto& note : notes) (void)let_go_on(context, note, folders);
}

bool FirmwarePause::recover(const Context& context, const GuestId& guest, const RunFolders& folders) {
    std::vector<GuestNote> notes;
    context.store.read([&](const Rows& rows) { notes = rows.guests.notes_of(guest); });
    return std::ranges::all_of(notes, [&](const GuestNote& note) {
        return note.kind != NoteKind::swapping || let_go_on(context, note, folders);
    });
}

}  // namespace fip::proxmox
