#include "core/match.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

Lease at(const std::string& address, const std::string& slot, Mac worn, int ordinal = 0) {
    auto row = lease(address, LeaseState::active, worn);
    row.slot = slot;
    row.ordinal = ordinal;
    return row;
}

std::string first(const LeaseGroup& group) {
    return group.empty() ? "-" : group.front().address.text();
}

const auto never = [](const Lease&, const Nic&) { return false; };
const MatchRules any{[](const Lease&, const Nic&) { return true; }, never};

}  // namespace

TEST_CASE("NICs have the leases whose MAC they wear, then the others in order") {
    const std::vector<Lease> leases{at("203.0.113.1", "0", mac(1)), at("203.0.113.2", "1", mac(2)),
                                    at("203.0.113.3", "10", mac(3)), at("203.0.113.4", "2", mac(4))};
    SECTION("by MAC, whatever the order") {
        const auto matched = match({nic(mac(3)), nic(mac(1))}, leases, any);
        CHECK(first(matched.by_nic[0]) == "203.0.113.3");
        CHECK(first(matched.by_nic[1]) == "203.0.113.1");
        REQUIRE(matched.unmatched.size() == 2);
        CHECK(first(matched.unmatched[0]) == "203.0.113.2");
    }
    SECTION("by order for those that wear another MAC; slot 10 comes after slot 2") {
        const auto matched = match({nic(mac(9)), nic(mac(1)), nic({}), nic(mac(8))}, leases, any);
        CHECK(first(matched.by_nic[0]) == "203.0.113.2");
        CHECK(first(matched.by_nic[1]) == "203.0.113.1");
        CHECK(first(matched.by_nic[2]) == "203.0.113.4");
        CHECK(first(matched.by_nic[3]) == "203.0.113.3");
    }
    SECTION("two NICs with one MAC: the first has it") {
        const auto matched = match({nic(mac(1)), nic(mac(1))}, {at("203.0.113.1", "0", mac(1))}, any);
        CHECK(first(matched.by_nic[0]) == "203.0.113.1");
        CHECK(matched.by_nic[1].empty());
    }
    SECTION("only what serves the bridge goes by order") {
        const auto matched =
            match({nic(mac(9))}, leases, {[](const Lease& row, const Nic&) { return row.slot == "2"; }, never});
        CHECK(first(matched.by_nic[0]) == "203.0.113.4");
    }
    SECTION("a NIC without a MAC does not wear a lease without one") {
        auto pending = lease("203.0.113.1", LeaseState::pending);
        const auto matched = match({nic({})}, {pending}, {never, never});
        CHECK(matched.by_nic[0].empty());
    }
}

TEST_CASE("addresses of one NIC stay together, in order") {
    const auto matched =
        match({nic(mac(1))}, {at("203.0.113.3", "0", mac(1), 2), at("203.0.113.2", "0", mac(1), 0)}, any);
    REQUIRE(matched.by_nic[0].size() == 2);
    CHECK(first(matched.by_nic[0]) == "203.0.113.2");
}

TEST_CASE("a reservation is taken after the guest's own leases") {
    auto reserved = at("203.0.113.1", "", mac(1));
    reserved.guest.reset();
    const auto matched = match({nic(mac(8)), nic(mac(9))}, {reserved, at("203.0.113.2", "5", mac(2))}, any);
    CHECK(first(matched.by_nic[0]) == "203.0.113.2");
    CHECK(first(matched.by_nic[1]) == "203.0.113.1");
}

TEST_CASE("a NIC that moved is not matched by the MAC that it left behind") {
    const std::vector<Lease> leases{at("203.0.113.1", "1", mac(1)), at("203.0.113.2", "0", mac(2))};
    const auto is_first = [](const Lease& row, const Nic&) { return row.slot == "1"; };
    const auto is_second = [](const Lease& row, const Nic&) { return row.slot == "0"; };
    const auto matched = match({nic(mac(1))}, leases, {is_second, is_first});
    CHECK(first(matched.by_nic.at(0)) == "203.0.113.2");
    REQUIRE(matched.unmatched.size() == 1);
    CHECK(first(matched.unmatched[0]) == "203.0.113.1");
}
