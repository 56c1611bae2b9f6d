#include "counts.hpp"

#include <fmt/format.h>

namespace fip::bench {
namespace {

bool is_good(const Lease& lease) {
    const bool has_name = lease.hostname.empty() || lease.rdns == RdnsState::set;
    return lease.state == LeaseState::active && has_name;
}

}  // namespace

Counts counts_of(const std::vector<Lease>& leases) {
    Counts counts;
    for (const auto& lease : leases) {
        if (lease.state == LeaseState::warm) {
            ++counts.warm;
        } else if (is_good(lease)) {
            ++counts.good;
        } else {
            ++counts.unready;
        }
    }
    return counts;
}

std::string text_of(const Counts& counts) {
    return fmt::format("{} warm, {} good, {} unready", counts.warm, counts.good, counts.unready);
}

std::vector<std::pair<std::string, std::int64_t>> routed_here(std::size_t count) {
    std::vector<std::pair<std::string, std::int64_t>> result;
    auto address = Address::parse("198.18.0.1");
    for (std::size_t i = 0; i < count; ++i) {
        result.emplace_back(address.text(), 11111);
        address = address.next().value();
    }
    return result;
}

}  // namespace fip::bench
