#pragma once

#include "ports/guest_source.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace fip::test {

/// A hypervisor in memory: guests are defined, started, stopped and undefined as a person would.
class FakeGuests final : public GuestSource {
public:
    explicit FakeGuests(std::string origin = "11111111-2222-3333-4444-555555555555/qemu")
        : origin_{std::move(origin)} {}

    [[nodiscard]] GuestKind kind() const override { return GuestKind::libvirt; }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override;
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override;
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override;

    /// A NIC on `bridge`; without a MAC the hypervisor makes one up when the guest is defined.
    [[nodiscard]] static Nic nic(std::string_view bridge, std::optional<Mac> mac = {});
    /// Define, or define again: what runs keeps its devices.
    GuestId define(const std::string& uuid, const std::string& name, std::vector<Nic> nics,
                   std::optional<Request> request = {});
    /// A guest without a stored definition.
    GuestId create(const std::string& uuid, const std::string& name, std::vector<Nic> nics);
    void start(const GuestId& id);
    void stop(const GuestId& id);      ///< A transient one is gone then.
    void undefine(const GuestId& id);  ///< A running one becomes transient.
    void rename(const GuestId& id, const std::string& name);
    void vanish(const GuestId& id) { guests_.erase(id); }
    [[nodiscard]] bool has(const GuestId& id) const { return guests_.contains(id); }
    /// As it is, for a test to look at or to edit.
    [[nodiscard]] Guest& at(const GuestId& id) { return guests_.at(id); }
    [[nodiscard]] const std::map<GuestId, Guest>& all() const { return guests_; }

    bool is_down = false;                ///< Everything throws GuestsUnavailable.
    std::string gap;                     ///< What cannot be listed: the origin is not complete then.
    bool refuses_writes = false;         ///< write() throws InputError.
    std::function<void()> before_write;  ///< May throw, as a process that dies there would stop.
    std::function<void()> after_write;

private:
    void make_up_macs(Guest& guest);
    void check() const;

    std::string origin_;
    std::map<GuestId, Guest> guests_;
    std::uint64_t macs_made_ = 0;
};

}  // namespace fip::test
