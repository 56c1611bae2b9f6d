#pragma once

#include "connection.hpp"
#include "networks.hpp"
#include "ports/guest_source.hpp"
#include "redefine_limit.hpp"
#include "starts.hpp"

#include <memory>
#include <string>
#include <vector>

namespace fip::plugin {

/// The guests of one or several libvirt drivers of this host. Definitions are read and dropped: none is kept.
///
/// An origin is complete when its driver listed everything, we understood all of it, and no file in the driver's folder
/// holds a guest that the driver does not know.
class LibvirtGuests final : public GuestSource {
public:
    LibvirtGuests(std::vector<std::unique_ptr<Connection>>& connections, Starts& starts)
        : connections_{connections}, starts_{starts} {}

    [[nodiscard]] GuestKind kind() const override { return GuestKind::libvirt; }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override;
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override;
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override;

    /// find() in one driver, as evidence after one of its events: what other drivers say does not matter.
    [[nodiscard]] std::optional<Guest> find_in(Connection& connection, const std::string& uuid);

private:
    [[nodiscard]] std::optional<Guest> read(const Connection& connection, virDomainPtr domain, Networks& networks);
    void list_one(Connection& connection, const std::function<void(const Guest&)>& visit, Listing& listing);

    std::vector<std::unique_ptr<Connection>>& connections_;
    Starts& starts_;
    RedefineLimit limit_;
};

}  // namespace fip::plugin
