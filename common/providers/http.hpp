#pragma once

#include <chrono>
#include <string>

namespace fip::providers {

enum class Method { get, post };

struct HttpRequest {
    Method method = Method::get;
    std::string path;  ///< Below the endpoint, with its first slash.
    std::string form;  ///< application/x-www-form-urlencoded; POST only.
    std::chrono::milliseconds limit{};
};

struct HttpReply {
    int status = 0;
    std::string body;
    std::chrono::seconds retry_after{};  ///< From the header, a date counted from now; 0: not sent.
    std::string request_id;
};

/// One connection to one API, with the secret already in it.
class Http {
public:
    virtual ~Http() = default;
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// A complete reply of any status, or:
    /// @throws ProviderUnavailable  none within `limit`, cut, too large, or not verifiable; a POST is never sent twice
    [[nodiscard]] virtual HttpReply send(const HttpRequest& request) = 0;

protected:
    Http() = default;
};

}  // namespace fip::providers
