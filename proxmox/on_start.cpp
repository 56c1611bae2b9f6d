#include "on_start.hpp"

#include "app/check_start.hpp"
#include "core/errors.hpp"
#include "core/pool.hpp"
#include "guarded_start.hpp"
#include "guest_file.hpp"
#include "put_right.hpp"
#include "read_guest.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace fip::proxmox {
namespace {

/// As people find it in the web UI: "web1 (100)".
std::string title_of(int vmid, const GuestConfig& config) {
    const auto name = config.name();
    const auto number = std::to_string(vmid);
    if (name.empty()) return (config.type() == GuestType::vm ? "VM " : "CT ") + number;
    return name + " (" + number + ")";
}

bool names_any(std::string_view text, const std::vector<std::string>& bridges) {
    return std::ranges::any_of(bridges, [&](const std::string& bridge) { return text.find(bridge) != text.npos; });
}

/// A rollback with memory has taken its lock out again before it starts the guest, and cannot be repeated by a start.
std::string lock_of(const GuestConfig& config, const StartCall& call) {
    auto lock = config.lock();
    return lock.empty() && call.is_rollback ? "rollback" : lock;
}

/// A start under a lock, as a resume is, leaves pending changes where they are. Its NICs wear the MACs of the main
/// section, and Proxmox puts them into the pending bridges (PROXMOX.md 1.2): such a NIC stands here with both.
Guest starting_guest(int vmid, const GuestConfig& config, const StartManner& manner) {
    auto guest = read_guest(vmid, config, false);
    if (config.type() != GuestType::vm || manner.lock.empty() || manner.is_migration) return guest;
    std::vector<Nic> joined;
    for (auto nic : read_guest(vmid, config, true).nics) {
        const auto worn = std::ranges::find(guest.nics, nic.index, &Nic::index);
        if (worn == guest.nics.end()) continue;  // not plugged in before its next start
        if (worn->bridge == nic.bridge && worn->is_tagged == nic.is_tagged) continue;
        nic.mac = worn->mac;
        joined.push_back(std::move(nic));
    }
    std::ranges::move(joined, std::back_inserter(guest.nics));
    return guest;
}

constexpr const char* store_is_locked = "the lease store is locked by another process; try again";

StartReply refuse(std::string_view title, std::string_view reason) {
    return {false, hooks::refusal(title, reason)};
}

class Answer {
public:
    Answer(const StartCall& call, const StartWorld& world, const Settings& settings, const GuestFile& file)
        : world_{world},
          settings_{settings},
          file_{file},
          config_{file.type, file.text},
          manner_{lock_of(config_, call), !file.is_local || !call.migrated_from.empty()},
          guest_{starting_guest(call.vmid, config_, manner_)},
          title_{title_of(call.vmid, config_)},
          vmid_{call.vmid} {}

    [[nodiscard]] const Guest& guest() const { return guest_; }
    [[nodiscard]] const std::string& title() const { return title_; }
    /// It never starts; but its backup may call a hookscript.
    [[nodiscard]] bool is_for_template() const { return config_.is_template(); }

    [[nodiscard]] StartReply give() {
        try {
            return judge();
        } catch (const StoreBusy&) {
            return without_store(store_is_locked);
        } catch (const StoreError& e) {
            return without_store(e.what());
        }
    }

private:
    [[nodiscard]] StartReply judge() {
        const auto traits = hooks::traits_of(settings_);
        const auto store = world_.hook.open_store(settings_);
        const auto context = hooks::context_of(settings_, traits, *store, world_.hook);
        recognise(context);
        hooks::read_after_boot(context, guest_, world_.hook);
        const auto verdict = check_start(context, guest_, manner_);
        return verdict.answer == StartAnswer::moving ? wait_for_address(context, verdict) : answer(context, verdict);
    }

    /// By its lease, should its config have lost its uuid.
    void recognise(const Context& context) {
        if (config_.type() != GuestType::vm || !config_.uuid().empty()) return;
        context.store.read([&](const Rows& rows) {
            for (const auto& lease : rows.leases.named(guest_.name)) {
                const auto id = guest_id(vmid_, config_, lease.guest);
                if (is_held(lease.state) && id == lease.guest) guest_.id = id;
            }
        });
    }

    [[nodiscard]] StartReply answer(const Context& context, const StartVerdict& verdict) const {
        switch (verdict.answer) {
        case StartAnswer::good:
            forget_queued(context);
            return {};
        case StartAnswer::late:
            return put_right_or_refuse(context);
        case StartAnswer::guarded:
        case StartAnswer::moving: {
            const auto hole = hooks::hole_in_guard(context, verdict.bridges, world_.hook);
            return hole.empty() ? StartReply{} : refuse(title_, verdict.text + " (" + hole + ")");
        }
        case StartAnswer::retry:
        case StartAnswer::hopeless:
            break;
        }
        return refuse(title_, verdict.text);
    }

    /// What is known to be wrong does not pass because the kernel knows the MAC: it may be another guest's.
    [[nodiscard]] StartReply put_right_or_refuse(const Context& context) const {
        try {
            return put_right({context, world_, file_, config_, guest_, title_, vmid_});
        } catch (const StoreBusy&) {
            return refuse(title_, store_is_locked);
        } catch (const StoreError& e) {
            return refuse(title_, e.what());
        }
    }

    /// Offline migration and HA recovery: the config is in this node's folder, the address is still elsewhere.
    [[nodiscard]] StartReply wait_for_address(const Context& context, StartVerdict verdict) const {
        const bool is_asked = world_.hook.ask_daemon("starting " + std::to_string(vmid_));
        // On its way it may be something else for a moment: taken over, and not confirmed yet.
        while (is_asked && verdict.answer != StartAnswer::good && world_.hook.wait()) {
            verdict = check_start(context, guest_, manner_);
        }
        if (verdict.answer == StartAnswer::good) {
            forget_queued(context);
            return {true, hooks::remark(title_, "its address was moved to this server")};
        }
        if (verdict.answer != StartAnswer::moving) return answer(context, verdict);
        const auto hole = hooks::hole_in_guard(context, verdict.bridges, world_.hook);
        const auto text = is_asked ? verdict.text : hooks::daemon_is_away(world_.hook, verdict.text);
        if (hole.empty()) {
            return {true, hooks::remark(title_, text + "; the guard holds its frames until it is")};
        }
        return refuse(title_, text + (is_asked ? ": try again (" : " (") + hole + ")");
    }

    /// What is right again may be put right again should it ever be wrong.
    void forget_queued(const Context& context) const {
        if (!has_queued_start(context, guest_.id)) return;
        try {
            const auto store = world_.hook.open_to_write(settings_);
            forget_queued_start(hooks::context_of(settings_, context.traits, *store, world_.hook), guest_.id);
        } catch (const std::exception& e) {
            // No reason to hold up a good start; the next one forgets it.
            world_.hook.log(std::string{"could not forget a queued start: "} + e.what());
        }
    }

    [[nodiscard]] StartReply without_store(const std::string& reason) const {
        return hooks::passes_in_kernel(settings_, guest_, world_.hook) ? StartReply{} : refuse(title_, reason);
    }

    const StartWorld& world_;
    const Settings& settings_;
    const GuestFile& file_;
    GuestConfig config_;
    StartManner manner_;
    Guest guest_;
    std::string title_;
    int vmid_;
};

/// Proxmox has read this config a moment ago, or would not have asked: pmxcfs went away, or the file is on its way from
/// one node to another. No MAC can be checked, so rule 3 leaves the guard: behind it any guest may start. (Without
/// pmxcfs the start hardly gets further: Proxmox reads the file again for each NIC.)
StartReply answer_unread(int vmid, const Settings& settings, const std::string& why, const hooks::World& world) {
    const auto title = "guest " + std::to_string(vmid);
    world.log(title + ": " + why);
    if (hooks::stands_in_kernel(settings, hooks::managed_bridges(settings), world)) return {};
    return refuse(title, why + ", and the guard is not up: failover-ip guard up");
}

}  // namespace

StartReply on_start(const StartCall& call, const StartWorld& world) {
    const auto settings = hooks::usable_settings(world.hook);
    if (!settings || settings->pools.empty()) return {};
    world.hook.is_managed("guest " + std::to_string(call.vmid));  // pmxcfs may be slow
    std::optional<GuestFile> file;
    std::string problem = "its config is not in this node's folder";
    try {
        file = find_guest_file(world.pve, call.vmid, call.migrated_from);
    } catch (const InputError& e) {
        problem = e.what();
    }
    if (!file) return answer_unread(call.vmid, *settings, problem, world.hook);
    if (!names_any(file->text, hooks::managed_bridges(*settings))) return {};
    try {
        Answer answer{call, world, *settings, *file};
        if (answer.is_for_template() || !hooks::has_managed_nic(*settings, answer.guest())) return {};
        world.hook.is_managed(answer.title());
        return answer.give();
    } catch (const InputError& e) {
        return refuse("guest " + std::to_string(call.vmid),
                      std::string{"its config names a managed bridge and cannot be understood: "} + e.what());
    }
}

}  // namespace fip::proxmox
