#include "simulators/switch/ethernet_switch.hpp"

#include "core/errors.hpp"
#include "simulators/switch/status.hpp"

#include <algorithm>

namespace fip::sim {
namespace {

constexpr int frames_per_turn = 256;
constexpr std::size_t most_macs = 1024;
constexpr std::size_t exhibit_size = 64;

void count_sender(PortRecord& record, const EthernetAddress& mac) {
    const auto known = record.frames.find(mac);
    if (known != record.frames.end()) {
        ++known->second;
    } else if (record.frames.size() < most_macs) {
        record.frames[mac] = 1;
    }
}

Exhibit exhibit(const FrameFacts& facts, const Port::Received& received) {
    const auto start = received.frame.first(std::min(exhibit_size, received.frame.size()));
    return {facts.source, facts.ethertype, received.arrived, {start.begin(), start.end()}, facts.claimed};
}

}  // namespace

void EthernetSwitch::plug(PortPlan plan) {
    Port port{std::move(plan)};
    std::erase_if(ports_, [&](const Port& other) { return other.plan.name == port.plan.name; });
    ports_.push_back(std::move(port));
}

void EthernetSwitch::open(std::string_view name) {
    const auto port = std::ranges::find_if(ports_, [&](const Port& other) { return other.plan.name == name; });
    if (port == ports_.end()) throw InputError{"no port " + std::string{name}};
    if (port->state == Port::State::closed) port->state = Port::State::open;
    port->record.closed_by.reset();
}

void EthernetSwitch::reset() {
    learned_.clear();
    for (auto& port : ports_) {
        port.look();
        port.record = {};
        if (port.state == Port::State::closed) port.state = Port::State::open;
    }
}

void EthernetSwitch::serve(Port& port) {
    for (int i = 0; i < frames_per_turn; ++i) {
        const auto received = port.receive(buffer_);
        if (!received) return;
        take(port, *received);
    }
}

void EthernetSwitch::take(Port& in, const Port::Received& received) {
    ++in.record.received;
    const auto facts = read_frame(received.frame);
    if (!facts) {
        ++in.record.unreadable;
        return;
    }
    count_sender(in.record, facts->source);
    if (in.state == Port::State::closed) {
        ++in.record.refused;
        return;
    }
    registrations_.refresh();  // after the frame has arrived: that is the order that makes the verdict fair
    if (in.plan.server) {
        if (!is_admitted(in, *facts, received)) return;
    } else if (learned_.size() < most_macs) {
        learned_[facts->source] = in.plan.name;
    }
    if (received.is_tagged) {
        ++in.record.unreadable;
        return;
    }
    forward(in, *facts, received);
}

bool EthernetSwitch::is_admitted(Port& in, const FrameFacts& facts, const Port::Received& received) {
    const bool is_host = facts.source == in.plan.mac->bytes();
    if (!is_host && !registrations_.may_send(*in.plan.server, facts.source, received.arrived)) {
        in.state = Port::State::closed;
        in.record.closed_by = exhibit(facts, received);
        return false;
    }
    check_claim(in, facts, received);
    return true;
}

void EthernetSwitch::check_claim(Port& in, const FrameFacts& facts, const Port::Received& received) {
    if (!facts.claimed) return;
    const bool is_host = facts.source == in.plan.mac->bytes();
    const auto& server = *in.plan.server;
    const bool is_own = is_host ? registrations_.host_owns(server, *facts.claimed)
                                : registrations_.owns(server, facts.source, *facts.claimed);
    if (is_own) return;
    ++in.record.spoofed;
    in.record.last_spoofed = exhibit(facts, received);
}

void EthernetSwitch::forward(Port& in, const FrameFacts& facts, const Port::Received& received) {
    Port* out = is_group(facts.destination) ? nullptr : find_port_of(facts.destination);
    if (out != nullptr) {
        if (out != &in) hand_over(*out, received);
        return;
    }
    for (auto& port : ports_) {
        if (&port != &in) hand_over(port, received);
    }
}

Port* EthernetSwitch::find_port_of(const EthernetAddress& mac) {
    const auto* server = registrations_.server_of(mac);
    const auto learned = learned_.find(mac);
    for (auto& port : ports_) {
        if (port.plan.mac && port.plan.mac->bytes() == mac) return &port;
        if (server != nullptr && port.plan.server == *server) return &port;
        if (server == nullptr && learned != learned_.end() && learned->second == port.plan.name) return &port;
    }
    return nullptr;
}

void EthernetSwitch::hand_over(Port& out, const Port::Received& received) {
    if (out.state == Port::State::closed) {
        ++out.record.withheld;
    } else {
        out.send(received.whole);
    }
}

boost::json::object EthernetSwitch::status() {
    boost::json::array list;
    for (auto& port : ports_) {
        port.look();
        list.push_back(to_json(port));
    }
    return {{"ports", std::move(list)},
            {"account",
             {{"macs", registrations_.count()}, {"reads", registrations_.reads()}, {"error", registrations_.error()}}}};
}

}  // namespace fip::sim
