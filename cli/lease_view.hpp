#pragma once

#include "core/lease.hpp"
#include "render.hpp"
#include "workplace.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fip::cli {

/// A lease as users see it: with what its provider said last.
struct LeaseView {
    Lease lease;
    std::optional<Address> gateway;
    int prefix = 32;
    std::optional<std::string> server;  ///< Where it is routed.
    std::string trouble;                ///< The last error of the provider that has work to do for it; for people.
};

[[nodiscard]] LeaseView view_of(const Workplace& workplace, const Rows& rows, const Lease& lease);
/// What users call leases: neither stock nor what was never ours; in address order.
[[nodiscard]] std::vector<LeaseView> all_leases(Workplace& workplace);

/// Exactly the fields that are promised, in their order; null for what is not known.
[[nodiscard]] boost::json::object json_of(const LeaseView& view);
/// The promised word: a name that is being taken back is still `pending`.
[[nodiscard]] std::string_view rdns_word(RdnsState state);
[[nodiscard]] Colour colour_of(LeaseState state);
[[nodiscard]] Colour colour_of(RdnsState state);

/// Text as JSON may hold it: what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string utf8(std::string_view text);

}  // namespace fip::cli
