#pragma once

#include "simulators/online/shared.hpp"

#include <map>
#include <string>

namespace fip::sim {

/// A request, free of the HTTP library.
struct WebRequest {
    std::string method;
    std::string path;                           ///< Without the query.
    std::map<std::string, std::string> fields;  ///< Form, JSON body or query.
    std::string body;
    std::string authorization;
    std::string if_none_match;
    bool is_pretty = false;
};

struct WebReply {
    int status = 200;
    std::string body;
    std::string content_type = "application/json; charset=utf-8";
    std::map<std::string, std::string> headers;
    Fault::Cut cut = Fault::Cut::none;
};

/// The API below /api/v1.
/// Blocks for latency and delays; any number of threads.
[[nodiscard]] WebReply answer_api(Shared& shared, const WebRequest& request);

/// Tests and people: everything below /control.
[[nodiscard]] WebReply answer_control(Shared& shared, const WebRequest& request);

}  // namespace fip::sim
