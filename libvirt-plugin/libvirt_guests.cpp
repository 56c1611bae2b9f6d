#include "libvirt_guests.hpp"

#include "core/errors.hpp"
#include "domxml/edit_domain.hpp"
#include "domxml/read_domain.hpp"
#include "read_guest.hpp"

#include <libvirt/virterror.h>

#include <algorithm>
#include <set>
#include <utility>

namespace fip::plugin {
namespace {

/// All domains of a connection, freed with the object.
class Domains {
public:
    explicit Domains(const Connection& connection) {
        virDomainPtr* list = nullptr;
        const int count = virConnectListAllDomains(connection.get(), &list, 0);
        if (count < 0) throw GuestsUnavailable{connection.uri() + ": " + libvirt_problem()};
        domains_.reserve(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) domains_.emplace_back(list[i]);
        std::free(list);
    }
    [[nodiscard]] const std::vector<DomainHandle>& all() const { return domains_; }

private:
    std::vector<DomainHandle> domains_;
};

DomainHandle look_up(const Connection& connection, const std::string& uuid) {
    DomainHandle domain{virDomainLookupByUUIDString(connection.get(), uuid.c_str())};
    if (domain) return domain;
    const int code = libvirt_error_code();
    if (code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_INVALID_ARG) return {};
    throw GuestsUnavailable{connection.uri() + ": " + libvirt_problem()};
}

/// Definitions on disk that libvirt does not know; `listed` holds the uuids that it does.
std::vector<std::string> unloaded_definitions(Connection& connection, const std::set<std::string>& listed) {
    std::vector<std::string> gaps;
    if (!connection.definitions()) return gaps;
    for (const auto& definition : connection.definitions()->scan()) {
        if (listed.contains(definition.uuid)) continue;
        // Defined after we listed, or renamed at this moment; a file without a uuid goes by its name.
        if (!definition.uuid.empty() && look_up(connection, definition.uuid)) continue;
        const DomainHandle namesake{
            definition.uuid.empty() ? virDomainLookupByName(connection.get(), definition.name.c_str()) : nullptr};
        if (namesake) continue;
        if (!std::filesystem::exists(definition.file)) continue;  // undefined meanwhile
        gaps.push_back(definition.file +
                       ": libvirt has not loaded this definition (see its log): mend it or remove it, " +
                       "then restart libvirt");
    }
    return gaps;
}

[[noreturn]] void fail_find(const std::string& file) {
    throw GuestsUnavailable{file + ": libvirt has not loaded this definition"};
}

/// The NICs are those that the edit was made for, or have the edit's MACs already.
bool is_still_based_on(const Guest& before, const Guest& now, const GuestEdit& edit) {
    if (before.nics.size() != now.nics.size()) return false;
    return std::ranges::equal(before.nics, now.nics, [&](const Nic& was, const Nic& is) {
        const auto wanted = std::ranges::find(edit.macs, is.index, &GuestEdit::NewMac::nic);
        const bool is_written = wanted != edit.macs.end() && is.mac == wanted->mac;
        return was.type == is.type && was.network == is.network && (was.mac == is.mac || is_written) &&
               (is.bridge.empty() || was.bridge == is.bridge);
    });
}

}  // namespace

std::optional<Guest> LibvirtGuests::read(const Connection& connection, virDomainPtr domain, Networks& networks) {
    auto guest = read_guest(connection, domain, networks);
    if (guest && guest->run) starts_.sharpen(guest->id.value, *guest->run, std::chrono::steady_clock::now());
    return guest;
}

void LibvirtGuests::list_one(Connection& connection, const std::function<void(const Guest&)>& visit, Listing& listing) {
    const auto gaps_before = listing.gaps.size();
    const Domains domains{connection};
    Networks networks{connection.get()};
    std::set<std::string> listed;
    for (const auto& domain : domains.all()) {
        listed.insert(uuid_of(domain.get()));
        std::optional<Guest> guest;
        try {
            guest = read(connection, domain.get(), networks);
        } catch (const InputError& wrong) {
            listing.gaps.push_back("guest " + name_of(domain.get()) + ": its XML cannot be read: " + wrong.what());
        }
        if (guest) visit(*guest);
    }
    for (auto& gap : unloaded_definitions(connection, listed)) listing.gaps.push_back(std::move(gap));
    if (listing.gaps.size() == gaps_before) listing.origins.push_back(connection.origin());
}

Listing LibvirtGuests::list(const std::function<void(const Guest&)>& visit) {
    Listing listing;
    for (const auto& connection : connections_) {
        try {
            list_one(*connection, visit, listing);
        } catch (const GuestsUnavailable& away) {
            listing.gaps.emplace_back(away.what());
        }
    }
    return listing;
}

std::optional<Guest> LibvirtGuests::find_in(Connection& connection, const std::string& uuid) {
    if (const auto domain = look_up(connection, uuid)) {
        Networks networks{connection.get()};
        return read(connection, domain.get(), networks);
    }
    if (!connection.definitions()) return {};
    for (const auto& definition : connection.definitions()->scan()) {
        if (definition.uuid == uuid && !look_up(connection, uuid)) fail_find(definition.file);
    }
    return {};
}

std::optional<Guest> LibvirtGuests::find(const GuestId& id) {
    if (id.kind != GuestKind::libvirt) throw GuestsUnavailable{"not a libvirt guest: " + id.value};
    std::string problem;
    for (const auto& connection : connections_) {
        try {
            if (auto guest = find_in(*connection, id.value)) return guest;
        } catch (const GuestsUnavailable& away) {
            problem = away.what();
        }
    }
    if (!problem.empty()) throw GuestsUnavailable{problem};
    return {};
}

bool LibvirtGuests::write(const Guest& guest, const GuestEdit& edit) {
    const auto owner =
        std::ranges::find_if(connections_, [&](const auto& each) { return each->origin() == guest.origin; });
    if (owner == connections_.end()) throw GuestsUnavailable{"no connection for " + guest.origin};
    const auto& connection = **owner;
    const auto domain = look_up(connection, guest.id.value);
    if (!domain) return false;
    if (virDomainIsPersistent(domain.get()) == 0) return true;
    const auto xml = stored_xml(connection, domain.get());
    if (!xml || !is_still_based_on(guest, domxml::read_domain(*xml).guest, edit)) return false;
    const auto edited = domxml::edit_domain(*xml, edit);
    if (edited == *xml) return true;
    if (!limit_.allows(guest.id.value, std::chrono::steady_clock::now())) {
        throw InputError{"its definition was written " + std::to_string(RedefineLimit::most) +
                         " times within a minute: another program keeps changing it back; left alone for now"};
    }
    const DomainHandle defined{virDomainDefineXMLFlags(connection.get(), edited.c_str(), 0)};
    if (defined) return true;
    const auto problem = "libvirt refused the definition: " + libvirt_problem();
    if (!connection.is_alive()) throw GuestsUnavailable{problem};
    throw InputError{problem};
}

}  // namespace fip::plugin
