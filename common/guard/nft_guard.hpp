#pragma once

#include "guard/bridges.hpp"
#include "guard/nft_listing.hpp"
#include "guard/nft_program.hpp"
#include "guard/nft_rules.hpp"
#include "guard/own_writes.hpp"
#include "ports/guard.hpp"

#include <filesystem>
#include <memory>

namespace fip::guard {

/// The guard in nftables, written and read by the nft program (nft_rules.hpp has the rules).
///
/// Costs a process of 3 ms per look into the kernel; apply() with 10,000 MACs half a second. One thread per object.
class NftGuard : public Guard {
public:
    explicit NftGuard(std::shared_ptr<OwnWrites> writes = std::make_shared<OwnWrites>(),
                      std::filesystem::path sys = "/sys");

    [[nodiscard]] std::vector<BridgeView> bridges(const std::vector<std::string>& names) const override;
    void apply(const GuardRules& rules) override;
    void remove() override;
    [[nodiscard]] std::vector<UplinkState> state() const override;
    [[nodiscard]] bool passes(const std::string& uplink, const Mac& mac) const override;
    [[nodiscard]] std::vector<BlockedFrames> blocked() const override;
    void forget_blocked() override;

private:
    [[nodiscard]] NftReply ask(std::vector<std::string> words) const;
    [[nodiscard]] NftReply write(std::string batch) const;
    [[nodiscard]] Standing standing() const;
    [[nodiscard]] std::vector<SetElement> elements(const char* family, const char* set) const;
    [[nodiscard]] bool holds(const char* set, const std::vector<std::string>& key) const;
    [[nodiscard]] bool is_whole(const char* family, const RuleCounts& expected) const;

    std::shared_ptr<OwnWrites> writes_;
    std::filesystem::path sys_;
};

}  // namespace fip::guard
