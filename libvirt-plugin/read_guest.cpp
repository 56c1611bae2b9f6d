#include "read_guest.hpp"

#include "core/errors.hpp"
#include "domxml/read_domain.hpp"
#include "ports/guest_source.hpp"

#include <libvirt/virterror.h>

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

bool is_arriving(virDomainPtr domain) {
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    return virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
           reason == VIR_DOMAIN_PAUSED_MIGRATION;
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
    // While a migration still copies its memory to this host, the guest runs on the other one, and may stay there.
    guest.is_running = is_running == 1 && !is_arriving(domain);
    if (is_running == 1 && guest.is_persistent) {
        const auto live_xml = dump(connection, domain, 0U);
        if (!live_xml) return {};
        guest.live_nics = domxml::read_domain(*live_xml).guest.nics;
    } else if (is_running == 1) {
        guest.live_nics = guest.nics;
    }
    networks.resolve(guest);
    return guest;
}

}  // namespace fip::plugin
