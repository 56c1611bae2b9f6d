#pragma once

#include "core/guest.hpp"
#include "domxml/sax.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace fip::domxml {

/// The parts of a machine that decide which of its devices can be unplugged while it runs.
class Hardware {
public:
    void set_machine(std::string machine) { machine_ = std::move(machine); }
    void set_acpi() { has_acpi_ = true; }
    /// `<controller type="pci" index="...">` with `<target hotplug="off">`.
    void forbid_hotplug(std::string_view index);
    /// A device's own `<address>`: what it stands for, as Nic::place has it; empty where it is no usable PCI address.
    std::string add_address(const Attributes& attributes);

    /// A NIC with `<rom bar="off">`: QEMU takes it at the start and refuses to plug it in.
    void forbid_plugging(std::size_t nic) { fixed_nics_.insert(nic); }

    /// And plug in again. pc: where there is ACPI; others: only behind another bus's port. Never one of several
    /// functions of a slot.
    [[nodiscard]] bool can_unplug(const Nic& nic) const;

private:
    std::string machine_;
    bool has_acpi_ = false;
    std::set<unsigned> fixed_buses_;
    std::set<std::size_t> fixed_nics_;  // Nic::index
    std::set<std::string> places_;
};

}  // namespace fip::domxml
