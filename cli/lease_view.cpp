#include "lease_view.hpp"

#include "daemon/shown_id.hpp"
#include "ports/rows.hpp"

namespace fip::cli {
namespace {

boost::json::value or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::string{utf8(text)};
}

// Length of the well-formed sequence at the beginning; 0: there is none.
std::size_t sequence(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    const auto second = byte(1);
    const bool is_wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                          (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return is_wrong ? 0 : length;
}

}  // namespace

LeaseView view_of(const Workplace& workplace, const Rows& rows, const Lease& lease) {
    LeaseView view{lease, std::nullopt, lease.address.bits(), std::nullopt, {}};
    if (workplace.settings().providers.contains(lease.provider)) {
        const auto& traits = workplace.traits(lease.provider);
        if (lease.address.is_v4()) {
            view.gateway = traits.gateway;
            view.prefix = traits.prefix;
        }
    }
    if (const auto facts = rows.provider.find(lease.address)) view.server = facts->server;
    if (lease.state == LeaseState::pending) view.trouble = rows.provider.status(lease.provider).last_error;
    return view;
}

std::vector<LeaseView> all_leases(Workplace& workplace) {
    std::vector<LeaseView> views;
    workplace.context(Mode::dry_run).store.read([&](const Rows& rows) {
        for (const auto& lease : rows.leases.all("")) {
            if (!is_stock(lease.state)) views.push_back(view_of(workplace, rows, lease));
        }
    });
    return views;
}

std::string_view rdns_word(RdnsState state) {
    return name_of(state == RdnsState::clearing ? RdnsState::pending : state);
}

boost::json::object json_of(const LeaseView& view) {
    const auto& lease = view.lease;
    boost::json::object object;
    object["address"] = lease.address.text();
    object["prefix"] = view.prefix;
    object["gateway"] = or_null(view.gateway ? view.gateway->text() : "");
    object["pool"] = or_null(lease.pool);
    object["mac"] = or_null(lease.mac ? lease.mac->text() : "");
    if (lease.guest) {
        boost::json::object guest;
        guest["kind"] = name_of(lease.guest->kind);
        guest["id"] = utf8(daemon::shown_id(*lease.guest));
        guest["name"] = or_null(lease.guest_name);
        object["guest"] = std::move(guest);
    } else {
        object["guest"] = nullptr;
    }
    object["nic"] = or_null(lease.slot);
    object["hostname"] = or_null(lease.hostname);
    object["state"] = name_of(lease.state);
    object["rdns"] = rdns_word(lease.rdns);
    object["server"] = or_null(view.server.value_or(""));
    object["since"] = or_null(lease.since == WallTime{} ? "" : rfc3339(lease.since));
    return object;
}

Colour colour_of(LeaseState state) {
    switch (state) {
    case LeaseState::active:
        return Colour::green;
    case LeaseState::pending:
    case LeaseState::releasing:
        return Colour::yellow;
    case LeaseState::away:
        return Colour::red;
    case LeaseState::cooling:
        return Colour::dim;
    case LeaseState::warming:
    case LeaseState::warm:
        break;
    }
    return Colour::none;
}

Colour colour_of(RdnsState state) {
    switch (state) {
    case RdnsState::set:
        return Colour::green;
    case RdnsState::failed:
        return Colour::red;
    case RdnsState::pending:
    case RdnsState::clearing:
        return Colour::yellow;
    case RdnsState::none:
        break;
    }
    return Colour::none;
}

std::string utf8(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const auto length = sequence(text);
        result += length == 0 ? std::string_view{"\xEF\xBF\xBD"} : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return result;
}

}  // namespace fip::cli
