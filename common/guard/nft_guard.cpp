#include "guard/nft_guard.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace fip::guard {
namespace {

constexpr std::size_t most_macs = 1'000'000;

[[noreturn]] void refuse(const std::string& what, const NftReply& reply) {
    throw GuardError{"the guard cannot " + what + ": nft: " + reply.error};
}

bool exists(const std::filesystem::path& sys, const std::string& device) {
    std::error_code unreadable;  // then there is no such device for us
    return std::filesystem::exists(sys / "class/net" / device, unreadable);
}

// In how many parts the keys of our sets come.
std::size_t key_width(const std::string_view family, const std::string_view set) {
    if (set == "enforced" || set == "observed") return 1;
    return set == "blocked" && family == "bridge" ? 3 : 2;
}

}  // namespace

NftGuard::NftGuard(std::shared_ptr<OwnWrites> writes, std::filesystem::path sys)
    : writes_{std::move(writes)}, sys_{std::move(sys)} {}

NftReply NftGuard::ask(std::vector<std::string> words) const {
    return run_nft({std::move(words)});
}

NftReply NftGuard::write(std::string batch) const {
    return writes_->during([&] { return run_nft({{"-j", "-f", "-"}, std::move(batch)}); });
}

std::vector<BridgeView> NftGuard::bridges(const std::vector<std::string>& names) const {
    return read_bridges(sys_, names);
}

Standing NftGuard::standing() const {
    const auto sets = ask({"-j", "-t", "list", "sets"});
    if (!sets.is_done) refuse("be read", sets);
    const auto chains = ask({"list", "chains", "netdev"});
    if (!chains.is_done) refuse("be read", chains);
    Standing found;
    found.has_bridge_table = lists_set(sets.out, "bridge", "blocked");
    found.has_netdev_table = lists_set(sets.out, "netdev", "blocked");
    found.egress = read_egress_chains(chains.out);
    return found;
}

void NftGuard::apply(const GuardRules& rules) {
    if (rules.empty()) return remove();
    // Between the look and the batch a device may go, or another process may write; and a table that somebody put
    // other things into is made again as a whole.
    NftReply reply;
    for (const auto renewal : {Renewal::update, Renewal::update, Renewal::afresh}) {
        auto found = standing();
        for (const auto& uplink : rules) {
            if (exists(sys_, uplink.uplink)) found.devices.insert(uplink.uplink);
        }
        reply = write(rules_batch(rules, found, renewal));
        if (reply.is_done) return;
    }
    refuse("be written", reply);
}

void NftGuard::remove() {
    for (const auto* family : {"netdev", "bridge"}) {
        const auto reply = ask({"list", "chains", family});
        if (!reply.is_done) refuse("be read", reply);
        if (!lists_table(reply.out, family)) continue;
        const auto removed = write(removal_batch(family));
        if (!removed.is_done && !removed.is_missing()) refuse("be removed", removed);
    }
}

std::vector<SetElement> NftGuard::elements(const char* family, const char* set) const {
    const auto reply = ask({"-j", "list", "set", family, std::string{table_name}, set});
    if (reply.is_done) {
        auto all = read_elements(reply.out, most_macs);
        // Made by another version, or by somebody else: what is not ours to read is not there.
        std::erase_if(all, [&](const SetElement& element) { return element.key.size() != key_width(family, set); });
        return all;
    }
    if (reply.is_missing()) return {};
    refuse("be read", reply);
}

bool NftGuard::holds(const char* set, const std::vector<std::string>& key) const {
    const auto all = elements("bridge", set);
    return std::any_of(all.begin(), all.end(), [&](const SetElement& element) { return element.key == key; });
}

// Chains that were flushed hold nothing back, whatever the sets say, and neither does a dormant table. Of that nft
// 1.0.6 tells in text only: its JSON has bytes of no meaning there.
bool NftGuard::is_whole(const char* family, const RuleCounts& expected) const {
    const auto text = ask({"-t", "list", "table", family, std::string{table_name}});
    if (!text.is_done && text.is_missing()) return false;
    if (!text.is_done) refuse("be read", text);
    if (text.out.find("\n\tflags ") != std::string::npos) return false;
    const auto reply = ask({"-j", "-t", "list", "table", family, std::string{table_name}});
    if (!reply.is_done && reply.is_missing()) return false;
    if (!reply.is_done) refuse("be read", reply);
    const auto found = read_rule_counts(reply.out);
    return std::all_of(expected.begin(), expected.end(), [&](const auto& chain) {
        const auto at = found.find(chain.first);
        return at != found.end() && at->second == chain.second;
    });
}

std::vector<UplinkState> NftGuard::state() const {
    std::map<std::string, UplinkState> uplinks;
    for (const auto& element : elements("bridge", "observed")) uplinks[element.key.at(0)].mode = GuardMode::observe;
    for (const auto& element : elements("bridge", "enforced")) uplinks[element.key.at(0)].mode = GuardMode::enforce;
    if (uplinks.empty()) return {};
    for (const auto* set : {"own", "registered"}) {
        for (const auto& element : elements("bridge", set)) ++uplinks[element.key.at(0)].macs;
    }
    const bool has_wall = is_whole("bridge", bridge_rule_counts());
    const auto chains = ask({"list", "chains", "netdev"});
    if (!chains.is_done) refuse("be read", chains);
    const auto egress = read_egress_chains(chains.out);
    std::vector<UplinkState> all;
    for (auto& [name, uplink] : uplinks) {
        uplink.uplink = name;
        if (!has_wall) uplink.mode = GuardMode::off;
        const auto chain = egress.find(egress_chain(name));
        uplink.has_last_wall = chain != egress.end() && chain->second == name && exists(sys_, name) &&
                               is_whole("netdev", netdev_rule_counts({chain->first}));
        all.push_back(uplink);
    }
    return all;
}

bool NftGuard::passes(const std::string& uplink, const Mac& mac) const {
    if (!holds("enforced", {uplink})) return true;
    const std::vector<std::string> key{uplink, mac.text()};
    return holds("own", key) || holds("registered", key);
}

std::vector<BlockedFrames> NftGuard::blocked() const {
    std::vector<BlockedFrames> all;
    // What the bridge table saw, the last wall saw again where it was only observed.
    std::map<std::pair<std::string, Mac>, std::pair<std::uint64_t, std::uint64_t>> seen;
    std::vector<std::string> observed;
    for (const auto& element : elements("bridge", "observed")) observed.push_back(element.key.at(0));
    for (const auto& element : elements("bridge", "blocked")) {
        const auto mac = Mac::try_parse(element.key.at(2));
        if (!mac) continue;  // multicast: no row of ours can name it
        const auto& uplink = element.key.at(0);
        all.push_back({uplink, element.key.at(1), *mac, false, element.packets, element.bytes});
        if (std::find(observed.begin(), observed.end(), uplink) == observed.end()) continue;
        auto& sum = seen[{uplink, *mac}];
        sum.first += element.packets;
        sum.second += element.bytes;
    }
    for (const auto& element : elements("netdev", "blocked")) {
        const auto mac = Mac::try_parse(element.key.at(1));
        if (!mac) continue;
        const auto before = seen[{element.key.at(0), *mac}];
        if (element.packets <= before.first) continue;
        const auto bytes = element.bytes - std::min(element.bytes, before.second);
        all.push_back({element.key.at(0), {}, *mac, true, element.packets - before.first, bytes});
    }
    return all;
}

void NftGuard::forget_blocked() {
    const auto batch = forget_batch(standing());
    if (batch.empty()) return;
    const auto reply = write(batch);
    if (!reply.is_done && !reply.is_missing()) refuse("forget what it blocked", reply);
}

}  // namespace fip::guard
