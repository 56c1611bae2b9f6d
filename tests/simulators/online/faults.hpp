#pragma once

#include "simulators/online/endpoints.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fip::sim {

/// Something that shall go wrong with coming requests. As JSON: the same names; `when` is "before" or "after".
struct Fault {
    enum class When { before, after };  ///< The effect: not carried out, or carried out and then the reply is spoilt.
    enum class Cut { none, before, middle };

    std::string endpoint = "*";  ///< A name of endpoints.hpp, "read", "write" or "*".
    When when = When::before;
    std::int64_t skip = 0;   ///< So many matching requests pass first.
    std::int64_t times = 1;  ///< Then so many are hit; -1: all that come.

    std::int64_t delay_ms = 0;           ///< Alone it spoils nothing: the request is carried out, late.
    std::optional<std::int64_t> status;  ///< Of the reply instead of the right one.
    std::optional<std::string> body;     ///< The reply's bytes instead of the right ones.
    std::int64_t repeat = 1;             ///< `body` so many times over.
    std::string content_type;
    std::string retry_after;
    std::string location;
    std::int64_t keep = -1;  ///< Only so many bytes of the body, in a well-formed HTTP reply; -1: all.
    Cut cut = Cut::none;     ///< Close the connection before the reply, or in the middle of its body.

    [[nodiscard]] bool spoils() const {
        return status || body || !retry_after.empty() || !location.empty() || keep >= 0 || cut != Cut::none;
    }
};

/// @throws InputError  unknown field, wrong type, or no such endpoint
[[nodiscard]] Fault fault_from(const boost::json::value& value);
[[nodiscard]] boost::json::object to_json(const Fault& fault);

/// Faults waiting for requests, oldest first.
class Faults {
public:
    void add(const Fault& fault) { waiting_.push_back(fault); }
    void clear() { waiting_.clear(); }
    /// The first fault that hits this request, counted down.
    [[nodiscard]] std::optional<Fault> take(const Endpoint& endpoint);
    [[nodiscard]] const std::vector<Fault>& waiting() const { return waiting_; }

private:
    std::vector<Fault> waiting_;
};

}  // namespace fip::sim
