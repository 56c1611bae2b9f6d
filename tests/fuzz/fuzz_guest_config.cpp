// Any bytes are read as a guest's config or refused with InputError; an edit changes what it names and nothing else,
// and what was made of a guest to look like ours can be undone.
#include "appearance.hpp"
#include "core/errors.hpp"
#include "description.hpp"
#include "expect.hpp"
#include "firewall_sets.hpp"
#include "guest_config.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using namespace fip::proxmox;
using fip::fuzz::expect;

const auto mac = fip::Mac::parse("52:54:00:0a:0b:0c");

/// All lines but those of the key: those outside the main section are compared, too.
std::string without_key(std::string_view text, const std::string& key) {
    std::string result;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        if (!line.starts_with(key)) result.append(line).append("\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

void expect_edit(const GuestConfig& config, const std::string& key, const std::string& value) {
    const auto text = changed_text(config, {{key, value}});
    const GuestConfig again{config.type(), text};
    expect(again.value(key) == value, "the new value is read back");
    // With "\r\n" or without: a break that was missing at the end is not a change.
    const auto plain = [&](std::string each) {
        std::erase(each, '\r');
        return without_key(each, key + ":");
    };
    expect(plain(text) == plain(config.text()), "every other line stays");
    expect(changed_text(again, {{key, value}}) == text, "twice is once");
}

void expect_appearance(const GuestConfig& config) {
    Appearance wanted;
    for (const auto& nic : config.planned_nics()) {
        wanted.nics.push_back({nic.number, mac, {fip::Address::parse("203.0.113.5")}, {}, "web1<", "active"});
    }
    wanted.may_set_hookscript = true;
    wanted.is_ours = [](const fip::Address& address) { return address.is_v4(); };
    for (const bool is_shown : {true, false}) {
        if (!is_shown) wanted.nics.clear();
        const auto changes = changes_for(config, wanted);
        const GuestConfig after{config.type(), changed_text(config, changes)};
        // What is pending hides the main section from the next look.
        const bool has_pending = std::ranges::any_of(changes, [&](const ConfigChange& change) {
            return after.value(change.key) != after.planned_value(change.key);
        });
        if (!has_pending) expect(changes_for(after, wanted).empty(), "once is enough");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    const auto set = with_ipfilter(text, 0, {fip::Prefix::parse("203.0.113.5")});
    expect(with_ipfilter(set, 0, {fip::Prefix::parse("203.0.113.5")}) == set, "a set is written once");

    const auto noted = with_our_line(text, "x");
    expect(with_our_line(noted, "x") == noted, "our line is written once");
    const auto without = with_our_line(noted, std::nullopt);
    expect(!has_our_line(without) || text.size() > most_description, "our line goes");

    for (const auto type : {GuestType::vm, GuestType::container}) {
        try {
            const GuestConfig config{type, text};
            expect(changed_text(config, {}) == text, "no change, no change");
            for (const auto& nic : config.nics()) {
                const auto key = "net" + std::to_string(nic.number);
                const auto net = with_mac(type, *config.value(key), mac);
                expect(with_mac(type, net, mac) == net, "a MAC that is right stays");
                const bool is_plain =
                    std::ranges::none_of(net, [](char c) { return static_cast<unsigned char>(c) < ' '; });
                if (!is_plain || net.ends_with(' ')) continue;
                expect_edit(config, key, net);
                const auto nics = GuestConfig{type, changed_text(config, {{key, net}})}.nics();
                expect(std::ranges::find(nics, nic.number, &ConfigNic::number)->mac == mac, "the NIC has the MAC");
            }
            expect_edit(config, "tags", "a;b");
            expect_appearance(config);
        } catch (const fip::InputError&) {
        }
    }
    return 0;
}
