#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fip::test {

/// Answers connections on a loopback port with bytes written by hand, HTTP or not; one connection after the other.
class RawServer {
public:
    /// What to do with one connection; the request's head and body have been read. The connection is closed after it.
    using Answer = std::function<void(int connection)>;

    explicit RawServer(Answer answer);
    ~RawServer();
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] int connections() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Write all of it, as far as the other side listens.
void put(int connection, const std::string& bytes);

/// A certificate that signs itself, with its key, in files of `folder`.
struct Certificate {
    enum class Age { valid, expired };
    std::string certificate_file;
    std::string key_file;
};
[[nodiscard]] Certificate make_certificate(const std::string& folder, const std::string& alternative_name,
                                           Certificate::Age age);

/// An HTTPS server on a loopback port that answers every GET with `[]` and counts the requests.
class TlsServer {
public:
    explicit TlsServer(const Certificate& certificate);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] std::string endpoint() const;  ///< With the address, not the name.
    [[nodiscard]] int requests() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fip::test
