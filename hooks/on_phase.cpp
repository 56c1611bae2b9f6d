#include "on_phase.hpp"

#include "app/check_start.hpp"
#include "core/errors.hpp"
#include "domxml/limits.hpp"
#include "domxml/read_domain.hpp"
#include "guarded_start.hpp"
#include "late_start.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

namespace fip::hooks {
namespace {

// "qemu+unix:///system" is served by the driver "qemu"; the domain types of QEMU's driver are accelerators.
std::string_view driver_of_type(std::string_view type) {
    if (type == "kvm" || type == "qemu" || type == "kqemu" || type == "hvf") return "qemu";
    if (type == "xen") return "libxl";
    return type;
}

bool is_listed(const Settings& settings, std::string_view type) {
    const auto driver = driver_of_type(type);
    return std::ranges::any_of(settings.libvirt_uris, [&](const std::string& uri) {
        const auto scheme = std::string_view{uri}.substr(0, uri.find(':'));
        const auto listed = scheme.substr(0, scheme.find('+'));
        return listed == driver || (listed == "xen" && driver == "libxl");
    });
}

// At `prepare` a NIC of type network names its network only. At `start` libvirt writes it as what the network made of
// it, <interface type='bridge'><source network='public' bridge='br0'/>; NICs that were of that type from the beginning
// have been judged at `prepare`, so a guest without a network has nothing new to say.
bool says_more_at_start(std::string_view xml) {
    return xml.find("network=") != std::string_view::npos;
}

// Only the wording of a later refusal depends on it, and a filter that fails ends the migration.
void try_to_note(const Settings& settings, const World& world, const std::function<void(const Context&)>& note) {
    try {
        const auto traits = traits_of(settings);
        const auto store = world.open_to_write(settings);
        note(context_of(settings, traits, *store, world));
    } catch (const std::exception& e) {
        world.log(std::string{"could not note how a guest arrives: "} + e.what());
    }
}

std::string judge(const Settings& settings, const domxml::DomainText& domain, const World& world) {
    const auto& guest = domain.guest;
    const auto traits = traits_of(settings);
    const auto store = world.open_store(settings);
    const auto context = context_of(settings, traits, *store, world);
    read_after_boot(context, guest, world);
    auto verdict = check_start(context, guest);
    if (verdict.answer == StartAnswer::good) return "";
    // Of QEMU's guests alone a NIC can be changed once they have started.
    if (verdict.answer == StartAnswer::late && driver_of_type(domain.type) != "qemu") {
        verdict.answer = StartAnswer::retry;
    }
    auto answer = answer_wrong_mac({context, guest, world}, verdict);
    if (!answer.empty()) {
        try_to_note(settings, world, [&](const Context& own) { forget_incoming(own, guest.id); });
    }
    return answer;
}

std::string may_start_now(const Settings& settings, const domxml::DomainText& domain, const World& world) {
    const auto& guest = domain.guest;
    try {
        return judge(settings, domain, world);
    } catch (const StoreBusy&) {
        return passes_in_kernel(settings, guest, world) ? ""
                                                        : "the lease store is locked by another process; try again";
    } catch (const StoreError& e) {
        return passes_in_kernel(settings, guest, world) ? "" : e.what();
    }
}

}  // namespace

std::string on_phase(const HookCall& call, const ReadXml& read_xml, const World& world) {
    if (call.phase == Phase::other) return "";
    const auto settings = usable_settings(world);
    if (!settings || settings->pools.empty()) return "";

    const bool may_refuse = call.phase != Phase::incoming;
    const auto xml = read_xml();
    if (!xml) return may_refuse ? "its XML is larger than 4 MiB and cannot be checked" : "";
    if (!domxml::names_any(*xml, managed_bridges(*settings))) return "";
    if (call.phase == Phase::start && !says_more_at_start(*xml)) return "";

    domxml::DomainText domain;
    try {
        domain = domxml::read_domain(*xml);
    } catch (const InputError& e) {
        if (!may_refuse) return "";
        return std::string{"its XML names a managed bridge and cannot be understood: "} + e.what();
    }
    if (!is_listed(*settings, domain.type)) return "";
    if (!has_managed_nic(*settings, domain.guest)) return "";

    if (!may_refuse) {
        try_to_note(*settings, world,
                    [&](const Context& context) { note_incoming(context, domain.guest.id, call.operation); });
        return "";
    }
    world.is_managed(call.guest);
    return may_start_now(*settings, domain, world);
}

}  // namespace fip::hooks
