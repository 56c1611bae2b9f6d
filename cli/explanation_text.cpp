#include "daemon/shown_id.hpp"
#include "explanation.hpp"
#include "guard_view.hpp"
#include "hypervisors.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <algorithm>

namespace fip::cli {
namespace {

constexpr auto held_back = "was here before failover-ip, and is not written to until you run: failover-ip reconcile";

std::string_view word_of(NoteKind kind) {
    switch (kind) {
    case NoteKind::waiting:
        return "waiting";
    case NoteKind::absent:
        return "absent";
    case NoteKind::held_back:
        return "held_back";
    case NoteKind::incoming:
        return "incoming";
    case NoteKind::claimed:
        return "claimed";
    case NoteKind::swapping:
        return "swapping";
    case NoteKind::restarting:
        return "restarting";
    case NoteKind::queued_start:
        return "queued_start";
    }
    return "";
}

std::string sentence_of(const GuestNote& note) {
    const auto since = rfc3339(note.at.wall);
    switch (note.kind) {
    case NoteKind::waiting:
        return fmt::format("waits for an address since {}: {}", since, shown(note.text));
    case NoteKind::absent:
        return fmt::format("was missing from the hypervisor's list at {}; its leases end when it stays away", since);
    case NoteKind::held_back:
        return held_back;
    case NoteKind::incoming:
        return fmt::format("a {} was announced at {}", shown(note.text), since);
    case NoteKind::claimed:
        return fmt::format("an address was claimed for its start at {}, and ends when it does not run", since);
    case NoteKind::swapping:
        return fmt::format("one of its NICs is being plugged in anew, with another MAC, since {}", since);
    case NoteKind::restarting:
        return fmt::format("is being shut down since {}, and is started again then", since);
    case NoteKind::queued_start:
        return fmt::format("was given its virtual MAC when it should start at {}, and a second start was queued",
                           since);
    }
    return "";
}

std::string heading(const Explanation& one, bool is_coloured) {
    auto text = painted(shown(one.name), Colour::bold, is_coloured);
    if (!one.id) return text + "  (a reservation: no such guest is defined yet)\n";
    text += fmt::format("  ({} {}", name_of(one.id->kind), shown(std::string{daemon::shown_id(*one.id)}));
    if (one.seen) {
        text += one.seen->is_running ? ", running" : ", not running";
        text += one.seen->is_persistent ? "" : ", transient";
    } else {
        text += one.gaps.empty() ? ", not on this host" : ", not seen";
    }
    return text + ")\n";
}

std::string nic_text(const NicOfHost& nic, GuestKind kind, bool is_coloured) {
    // Proxmox' have names.
    const auto number = kind == GuestKind::proxmox && !nic.slot.empty() ? shown(nic.slot) : std::to_string(nic.nic);
    auto text = fmt::format("\nNIC {} on {}", number, shown(nic.bridge));
    text += nic.pool.empty() ? "\n" : fmt::format(", pool {}\n", shown(nic.pool));
    if (nic.mac.empty()) {
        text += "  wears no MAC yet";
    } else {
        text += "  wears " + shown(nic.mac);
    }
    if (nic.wanted_mac.empty()) {
        text += "\n";
    } else if (nic.wanted_mac == nic.mac) {
        text += painted("  the right one\n", Colour::green, is_coloured);
    } else {
        text += painted("  should be " + shown(nic.wanted_mac) + "\n", Colour::yellow, is_coloured);
    }
    if (!nic.problem.empty()) text += "  " + painted(shown(nic.problem, 600), Colour::red, is_coloured) + "\n";
    return text;
}

std::string lease_text(const LeaseView& view, bool is_coloured) {
    const auto& lease = view.lease;
    auto text = fmt::format("  {}  {}", painted(lease.address.text(), Colour::bold, is_coloured),
                            painted(name_of(lease.state), colour_of(lease.state), is_coloured));
    if (lease.since != WallTime{}) text += " since " + rfc3339(lease.since);
    if (!lease.slot.empty()) text += ", managed NIC " + shown(lease.slot);
    text += lease.mac ? ", MAC " + lease.mac->text() : ", no MAC yet";
    text += view.server ? ", routed to " + shown(*view.server) + "\n" : "\n";
    if (lease.cooling_until) text += "    in quarantine until " + rfc3339(*lease.cooling_until) + "\n";
    if (!view.trouble.empty()) {
        text += fmt::format("    waits for the provider {}: {}\n", shown(lease.provider),
                            painted(shown(view.trouble, 300), Colour::red, is_coloured));
    }
    if (lease.is_adopted) text += "    set up by hand, and taken over as it was\n";
    if (lease.hostname.empty()) return text + "    reverse name: left alone\n";
    text += fmt::format("    reverse name {}: {}\n", shown(lease.hostname),
                        painted(rdns_word(lease.rdns), colour_of(lease.rdns), is_coloured));
    if (lease.rdns == RdnsState::failed) {
        text += fmt::format("    create this record, the provider wants it first: {}. {} {}; tried again at {}\n",
                            shown(lease.hostname), lease.address.is_v4() ? "A" : "AAAA", lease.address.text(),
                            rfc3339(lease.rdns_due));
    }
    return text;
}

std::string list_text(std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) return "";
    auto text = fmt::format("\n{}\n", title);
    for (const auto& line : lines) text += "  " + shown(line, 600) + "\n";
    return text;
}

std::string gaps_text(const std::vector<GapOfHost>& gaps) {
    std::string text;
    for (const auto kind : {GuestKind::libvirt, GuestKind::proxmox}) {
        std::vector<std::string> lines;
        for (const auto& gap : gaps) {
            if (gap.kind == kind) lines.push_back(gap.text);
        }
        text += list_text(fmt::format("What {} says is not known:", name_of_hypervisor(kind)), lines);
    }
    return text;
}

std::string network_part(const Explanation& one, bool is_coloured) {
    if (one.network.empty()) return "";
    return "\n" +
           painted("Inside the guest, with netplan (/etc/netplan/60-failover-ip.yaml):", Colour::bold, is_coloured) +
           "\n" + netplan_text(one.network) + "\n" +
           painted("or with ifupdown (/etc/network/interfaces.d/failover-ip):", Colour::bold, is_coloured) + "\n" +
           ifupdown_text(one.network);
}

boost::json::value or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::string{utf8(text)};
}

boost::json::array texts(const std::vector<std::string>& lines) {
    boost::json::array array;
    for (const auto& line : lines) array.push_back(boost::json::string{utf8(line)});
    return array;
}

boost::json::object nic_json(const NicOfHost& nic) {
    boost::json::object object;
    object["nic"] = nic.nic;
    object["slot"] = utf8(nic.slot);
    object["bridge"] = utf8(nic.bridge);
    object["mac"] = or_null(nic.mac);
    object["pool"] = or_null(nic.pool);
    object["wanted_mac"] = or_null(nic.wanted_mac);
    object["addresses"] = texts(nic.addresses);
    object["problem"] = or_null(nic.problem);
    return object;
}

}  // namespace

std::string text_of(const Explanation& one, bool is_coloured) {
    auto text = heading(one, is_coloured);
    if (!one.seen) text += gaps_text(one.gaps);
    std::vector<std::string> notes;
    for (const auto& note : one.notes) notes.push_back(sentence_of(note));
    // Before the first run has written anything the hypervisor's side alone knows it.
    const auto is_hold = [](const GuestNote& note) { return note.kind == NoteKind::held_back; };
    if (one.seen && one.seen->is_held_back && std::ranges::none_of(one.notes, is_hold)) notes.push_back(held_back);
    text += list_text("This guest", notes);
    if (one.seen) {
        for (const auto& nic : one.seen->nics) text += nic_text(nic, one.seen->id.kind, is_coloured);
        if (one.seen->nics.empty()) text += "\nIt has no NIC on a managed bridge.\n";
        text += list_text("Remarks:", one.seen->remarks);
    }
    if (!one.leases.empty()) text += "\nLeases:\n";
    for (const auto& lease : one.leases) text += lease_text(lease, is_coloured);
    std::vector<std::string> blocked;
    for (const auto& sender : one.blocked) {
        blocked.push_back(fmt::format("{} frames with the source MAC {} by {}, last at {}", sender.frames,
                                      sender.mac.text(), shown(sender.port.empty() ? sender.uplink : sender.port),
                                      rfc3339(sender.last)));
    }
    text += list_text("Stopped by the guard:", blocked);
    text += list_text("What would be done now:", one.steps);
    return text + network_part(one, is_coloured);
}

boost::json::object json_of(const Explanation& one) {
    boost::json::object object;
    object["kind"] = or_null(one.id ? std::string{name_of(one.id->kind)} : "");
    object["id"] = or_null(one.id ? std::string{daemon::shown_id(*one.id)} : "");
    object["name"] = or_null(one.name);
    object["found"] = one.seen.has_value();
    object["running"] = one.seen ? boost::json::value(one.seen->is_running) : boost::json::value(nullptr);
    object["persistent"] = one.seen ? boost::json::value(one.seen->is_persistent) : boost::json::value(nullptr);
    object["held_back"] = one.seen ? boost::json::value(one.seen->is_held_back) : boost::json::value(nullptr);
    auto& nics = object["nics"].emplace_array();
    if (one.seen) {
        for (const auto& nic : one.seen->nics) nics.push_back(nic_json(nic));
    }
    auto& leases = object["leases"].emplace_array();
    for (const auto& lease : one.leases) leases.push_back(json_of(lease));
    auto& notes = object["notes"].emplace_array();
    for (const auto& note : one.notes) {
        // What a swap or a restart needs to be finished is for the daemon.
        const bool is_ours = note.kind == NoteKind::swapping || note.kind == NoteKind::restarting;
        const auto text = is_ours ? std::string{} : utf8(note.text);
        notes.push_back({{"kind", word_of(note.kind)}, {"text", text}, {"since", rfc3339(note.at.wall)}});
    }
    object["remarks"] = texts(one.seen ? one.seen->remarks : std::vector<std::string>{});
    auto& blocked = object["blocked"].emplace_array();
    for (const auto& sender : one.blocked) blocked.push_back(json_of(sender));
    object["steps"] = texts(one.steps);
    auto& gaps = object["gaps"].emplace_array();
    for (const auto& gap : one.gaps) gaps.push_back(boost::json::string{utf8(gap.text)});
    object["netplan"] = or_null(one.network.empty() ? "" : netplan_text(one.network));
    object["ifupdown"] = or_null(one.network.empty() ? "" : ifupdown_text(one.network));
    return object;
}

}  // namespace fip::cli
