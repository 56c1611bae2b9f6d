#pragma once

#include "providers/http.hpp"
#include "providers/token.hpp"

#include <memory>
#include <string>

namespace fip::providers {

/// The real Http: libcurl, one connection kept open between calls. One thread per object.
///
/// TLS is always verified. No redirect is followed, no proxy, netrc or cookie is used: the token goes to the
/// endpoint's host and nowhere else.
class CurlHttp final : public Http {
public:
    struct Target {
        std::string endpoint;
        std::shared_ptr<const Token> token;
        std::string ca_file{};  ///< Trusted instead of the system's authorities; empty: the system's.
    };

    /// @throws InputError  the endpoint is none (check_endpoint), or the CA file is missing
    explicit CurlHttp(const Target& target);
    ~CurlHttp() override;

    [[nodiscard]] HttpReply send(const HttpRequest& request) override;

private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace fip::providers
