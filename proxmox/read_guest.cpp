#include "read_guest.hpp"

#include <charconv>

namespace fip::proxmox {
namespace {

constexpr int highest_vmid = 999'999'999;

Nic nic_of(const ConfigNic& net) {
    Nic nic;
    nic.index = static_cast<std::size_t>(net.number);
    nic.type = net.bridge.empty() ? NicType::other : NicType::bridge;  // without one: QEMU's own NAT
    nic.mac = net.mac;
    nic.bridge = net.bridge;
    nic.model = net.model;
    nic.is_tagged = net.is_tagged;
    return nic;
}

}  // namespace

GuestId guest_id(int vmid, const GuestConfig& config) {
    const auto number = std::to_string(vmid);
    const auto uuid = config.uuid();
    return {GuestKind::proxmox, uuid.empty() ? number : number + "/" + uuid};
}

GuestId guest_id(int vmid, const GuestConfig& config, const std::optional<GuestId>& known) {
    auto id = guest_id(vmid, config);
    const bool has_lost_it =
        config.type() == GuestType::vm && config.uuid().empty() && known && known->value.starts_with(id.value + "/");
    return has_lost_it ? *known : id;
}

std::optional<int> parse_vmid(std::string_view text) {
    int vmid = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, vmid);
    if (read.ec != std::errc{} || read.ptr != end || vmid < 1 || vmid > highest_vmid) return {};
    return vmid;
}

std::optional<int> vmid_of(const GuestId& guest) {
    if (guest.kind != GuestKind::proxmox) return {};
    return parse_vmid(std::string_view{guest.value}.substr(0, guest.value.find('/')));
}

Guest read_guest(int vmid, const GuestConfig& config, bool with_pending) {
    Guest guest;
    guest.id = guest_id(vmid, config);
    guest.name = config.name();
    if (guest.name.empty()) {
        guest.name = (config.type() == GuestType::vm ? "VM " : "CT ") + std::to_string(vmid);
    }
    for (const auto& net : with_pending ? config.planned_nics() : config.nics()) guest.nics.push_back(nic_of(net));
    return guest;
}

}  // namespace fip::proxmox
