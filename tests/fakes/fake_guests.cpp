#include "fakes/fake_guests.hpp"

#include "core/errors.hpp"

namespace fip::test {

void FakeGuests::check() const {
    if (is_down) throw GuestsUnavailable{"the hypervisor does not answer"};
}

Listing FakeGuests::list(const std::function<void(const Guest&)>& visit) {
    check();
    const auto as_they_are = guests_;  // `visit` may write
    for (const auto& [id, guest] : as_they_are) visit(guest);
    check();
    if (gap.empty()) return {{origin_}, {}};
    return {{}, {gap}};
}

std::optional<Guest> FakeGuests::find(const GuestId& id) {
    check();
    const auto found = guests_.find(id);
    return found == guests_.end() ? std::nullopt : std::optional{found->second};
}

bool FakeGuests::write(const Guest& guest, const GuestEdit& edit) {
    check();
    const auto found = guests_.find(guest.id);
    if (found == guests_.end()) return false;
    auto& now = found->second;
    if (!now.is_persistent) return true;
    if (now.nics != guest.nics || now.records != guest.records || now.name != guest.name) return false;
    if (refuses_writes) throw InputError{"the hypervisor refused the definition"};
    if (before_write) before_write();
    for (const auto& change : edit.macs) {
        for (auto& nic : now.nics) {
            if (nic.index == change.nic) nic.mac = change.mac;
        }
    }
    now.records = edit.records;
    if (after_write) after_write();
    return true;
}

Nic FakeGuests::nic(std::string_view bridge, std::optional<Mac> mac) {
    Nic nic;
    nic.type = NicType::bridge;
    nic.bridge = bridge;
    nic.mac = mac;
    return nic;
}

void FakeGuests::make_up_macs(Guest& guest) {
    std::size_t index = 0;
    for (auto& nic : guest.nics) {
        nic.index = index++;
        if (!nic.mac) nic.mac = Mac::local(0xee0000000000ULL + (++macs_made_ << 8U));
    }
}

GuestId FakeGuests::define(const std::string& uuid, const std::string& name, std::vector<Nic> nics,
                           std::optional<Request> request) {
    const GuestId id{GuestKind::libvirt, uuid};
    auto& guest = guests_[id];
    guest.id = id;
    guest.name = name;
    guest.origin = origin_;
    guest.is_persistent = true;
    guest.nics = std::move(nics);
    guest.request = std::move(request);
    guest.records.clear();
    make_up_macs(guest);
    return id;
}

GuestId FakeGuests::create(const std::string& uuid, const std::string& name, std::vector<Nic> nics) {
    const auto id = define(uuid, name, std::move(nics));
    start(id);
    undefine(id);
    return id;
}

void FakeGuests::start(const GuestId& id) {
    auto& guest = guests_.at(id);
    guest.is_running = true;
    guest.live_nics = guest.nics;
}

void FakeGuests::stop(const GuestId& id) {
    auto& guest = guests_.at(id);
    guest.is_running = false;
    guest.live_nics.clear();
    if (!guest.is_persistent) guests_.erase(id);
}

void FakeGuests::undefine(const GuestId& id) {
    auto& guest = guests_.at(id);
    if (!guest.is_running) {
        guests_.erase(id);
        return;
    }
    guest.is_persistent = false;
    guest.nics = guest.live_nics;
}

void FakeGuests::rename(const GuestId& id, const std::string& name) {
    guests_.at(id).name = name;
}

}  // namespace fip::test
