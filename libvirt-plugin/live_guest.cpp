#include "live_guest.hpp"

#include "ports/guest_source.hpp"

#include <libvirt/virterror.h>

#include <algorithm>
#include <array>

namespace fip::plugin {

std::optional<LiveGuest> LiveGuest::find(const std::vector<std::unique_ptr<Connection>>& connections,
                                         const std::string& uuid) {
    std::string problem;
    for (const auto& connection : connections) {
        try {
            if (auto guest = find(*connection, uuid)) return guest;
        } catch (const GuestsUnavailable& away) {
            problem = away.what();
        }
    }
    if (!problem.empty()) throw GuestsUnavailable{problem};
    return {};
}

std::optional<LiveGuest> LiveGuest::find(const Connection& connection, const std::string& uuid) {
    DomainHandle domain{virDomainLookupByUUIDString(connection.get(), uuid.c_str())};
    if (domain) return LiveGuest{connection, std::move(domain)};
    if (libvirt_error_code() == VIR_ERR_NO_DOMAIN) return {};
    throw GuestsUnavailable{connection.uri() + ": " + libvirt_problem()};
}

void LiveGuest::check(int result, const char* what) const {
    if (result >= 0) return;
    const auto problem = std::string{what} + ": " + libvirt_problem();
    if (!connection_->is_alive()) throw GuestsUnavailable{problem};
    throw LibvirtRefused{problem};
}

int LiveGuest::number() const {
    const auto id = virDomainGetID(domain_.get());
    return id == static_cast<unsigned>(-1) ? -1 : static_cast<int>(id);
}

LiveGuest::State LiveGuest::state() const {
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    check(virDomainGetState(domain_.get(), &state, &reason, 0), "its state cannot be read");
    if (state == VIR_DOMAIN_PAUSED) return reason == VIR_DOMAIN_PAUSED_STARTING_UP ? State::starting : State::paused;
    return state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED ? State::stopped : State::running;
}

bool LiveGuest::was_shut_down() const {
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    check(virDomainGetState(domain_.get(), &state, &reason, 0), "its state cannot be read");
    return state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN;
}

std::string LiveGuest::xml() const {
    const TextHandle text{virDomainGetXMLDesc(domain_.get(), 0)};
    if (!text) check(-1, "its XML cannot be read");
    return text.get();
}

bool LiveGuest::can_begin_anew() const {
    constexpr unsigned long long reset_vector = 0xFFFF0;  // written last
    if (xml().find(" machine='pc") == std::string::npos) return true;
    std::array<char, 16> text{};
    check(virDomainMemoryPeek(domain_.get(), reset_vector, text.size(), text.data(), VIR_MEMORY_PHYSICAL),
          "its memory cannot be read");
    return std::ranges::any_of(text, [](char byte) { return byte != 0; });
}

void LiveGuest::suspend() const {
    check(virDomainSuspend(domain_.get()), "it cannot be suspended");
}
void LiveGuest::resume() const {
    check(virDomainResume(domain_.get()), "it cannot be resumed");
}
void LiveGuest::reset() const {
    check(virDomainReset(domain_.get(), 0), "it cannot be reset");
}
void LiveGuest::detach(const std::string& alias) const {
    check(virDomainDetachDeviceAlias(domain_.get(), alias.c_str(), VIR_DOMAIN_AFFECT_LIVE),
          "its NIC cannot be unplugged");
}
void LiveGuest::attach(const std::string& element) const {
    check(virDomainAttachDeviceFlags(domain_.get(), element.c_str(), VIR_DOMAIN_AFFECT_LIVE),
          "its NIC cannot be plugged in again");
}
void LiveGuest::shutdown() const {
    check(virDomainShutdown(domain_.get()), "it cannot be shut down");
}
void LiveGuest::destroy() const {
    check(virDomainDestroy(domain_.get()), "it cannot be stopped");
}
void LiveGuest::start() const {
    check(virDomainCreate(domain_.get()), "it cannot be started again");
}

}  // namespace fip::plugin
