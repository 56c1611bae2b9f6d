#include "read_guest.hpp"

#include "core/errors.hpp"
#include "domxml/read_domain.hpp"
#include "ports/guest_source.hpp"
#include "qemu_process.hpp"

#include <libvirt/virterror.h>

#include <algorithm>
#include <array>

namespace fip::plugin {
namespace {

// A failed call about one domain: it vanished, or nothing is known.
bool has_vanished(const Connection& connection) {
    if (libvirt_error_code() == VIR_ERR_NO_DOMAIN) return true;
    throw GuestsUnavailable{connection.uri() + ": " + libvirt_problem()};
}

std::optional<std::string> dump(const Connection& connection, virDomainPtr domain, unsigned flags) {
    const TextHandle xml{virDomainGetXMLDesc(domain, flags)};
    if (!xml && has_vanished(connection)) return {};
    return std::string{xml.get()};
}

struct State {
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    [[nodiscard]] bool is_paused() const { return state == VIR_DOMAIN_PAUSED; }
    [[nodiscard]] bool is_copied() const { return is_paused() && reason == VIR_DOMAIN_PAUSED_MIGRATION; }
    [[nodiscard]] bool is_starting_up() const { return is_paused() && reason == VIR_DOMAIN_PAUSED_STARTING_UP; }
};

State state_of(virDomainPtr domain) {
    State now;
    if (virDomainGetState(domain, &now.state, &now.reason, 0) != 0) return {};
    return now;
}

/// While a migration still copies its memory to this host, the guest runs on the other one, and may stay there. Before
/// that, libvirt calls every guest "starting up": only its process tells whether it goes on with a run from elsewhere.
bool runs_here(const Connection& connection, const State& state, const std::optional<QemuProcess>& process) {
    if (state.state == VIR_DOMAIN_SHUTOFF || state.is_copied()) return false;
    if (!state.is_starting_up() || !connection.is_local_qemu()) return true;
    return process && !process->is_continued;
}

/// Only QEMU's guests can be told from outside how far they have come.
void read_process(const State& state, const std::optional<QemuProcess>& process, Guest& guest) {
    if (!process) return;
    Run run;
    const bool has_begun = !process->ran || *process->ran >= not_begun;
    run.age = has_begun ? process->age : std::chrono::duration_cast<std::chrono::milliseconds>(*process->ran);
    run.is_paused = state.is_starting_up() || (state.is_paused() && !has_begun);
    run.is_resumed = process->is_continued;
    run.has_kernel = process->has_kernel;
    guest.run = run;
    for (auto& nic : guest.live_nics) {
        const auto is_same = [&](const QemuProcess::Nic& begun) { return begun.mac == nic.mac; };
        nic.is_plugged = nic.mac && std::ranges::none_of(process->nics, is_same);
    }
}

}  // namespace

std::string uuid_of(virDomainPtr domain) {
    std::array<char, VIR_UUID_STRING_BUFLEN> text{};
    return virDomainGetUUIDString(domain, text.data()) == 0 ? std::string{text.data()} : std::string{};
}

std::string name_of(virDomainPtr domain) {
    const char* name = virDomainGetName(domain);
    return name == nullptr ? std::string{} : name;
}

std::optional<std::string> stored_xml(const Connection& connection, virDomainPtr domain) {
    return dump(connection, domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
}

std::optional<Guest> read_guest(const Connection& connection, virDomainPtr domain, Networks& networks) {
    const int is_running = virDomainIsActive(domain);
    const int is_persistent = is_running < 0 ? -1 : virDomainIsPersistent(domain);
    if (is_persistent < 0 && has_vanished(connection)) return {};

    // Secrets only where they are needed: not for looking.
    const auto main_xml = dump(connection, domain, is_persistent == 1 ? unsigned{VIR_DOMAIN_XML_INACTIVE} : 0U);
    if (!main_xml) return {};
    Guest guest = domxml::read_domain(*main_xml).guest;
    guest.origin = connection.origin();
    guest.is_persistent = is_persistent == 1;
    const auto state = is_running == 1 ? state_of(domain) : State{};
    const auto process = is_running == 1 && connection.is_local_qemu()
                             ? find_qemu_process(guest.name, guest.id.value, {})
                             : std::nullopt;
    guest.is_running = is_running == 1 && runs_here(connection, state, process);
    if (is_running == 1 && guest.is_persistent) {
        const auto live_xml = dump(connection, domain, 0U);
        if (!live_xml) return {};
        guest.live_nics = domxml::read_domain(*live_xml).guest.nics;
    } else if (is_running == 1) {
        guest.live_nics = guest.nics;
    }
    if (guest.is_running && connection.is_local_qemu()) read_process(state, process, guest);
    if (is_running == 1 && !guest.is_persistent) guest.nics = guest.live_nics;
    networks.resolve(guest);
    return guest;
}

}  // namespace fip::plugin
