// The connection to the providers: what libcurl is told, against servers that do as they please.
#include "core/errors.hpp"
#include "provider_servers.hpp"
#include "providers/curl_http.hpp"
#include "support/temp_dir.hpp"

#include <httplib.h>
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

using namespace fip;
using namespace fip::providers;
using namespace fip::test;

namespace {

const std::string secret = "s3cr3t-Token.0123456789abcdef";
constexpr std::chrono::milliseconds limit = std::chrono::seconds{10};

CurlHttp connect(const std::string& endpoint, const std::string& ca_file = {}) {
    return CurlHttp{{endpoint, std::make_shared<const Token>(secret), ca_file}};
}

HttpRequest get(std::chrono::milliseconds time = limit) {
    HttpRequest request;
    request.path = "/x";
    request.limit = time;
    return request;
}

HttpRequest post(const std::string& form) {
    auto request = get();
    request.method = Method::post;
    request.form = form;
    return request;
}

std::string complaint(CurlHttp& http, const HttpRequest& request) {
    try {
        static_cast<void>(http.send(request));
    } catch (const ProviderUnavailable& error) {
        const std::string text = error.what();
        CHECK(text.find(secret) == std::string::npos);
        return text;
    }
    return {};
}

std::string complaint(const std::string& reply, std::chrono::milliseconds time = limit) {
    const RawServer server{[&](int connection) { put(connection, reply); }};
    auto http = connect(server.endpoint());
    return complaint(http, get(time));
}

// A well-behaved server that remembers what it was sent.
struct PlainServer {
    PlainServer() {
        const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
            const std::lock_guard lock{mutex};
            seen.push_back(request);
            peers.insert(request.remote_port);
            response.set_header("Set-Cookie", "a=b; Path=/");
            response.set_header("X-Request-Id", "id-1");
            response.set_header("retry-after", "12");
            if (!location.empty()) response.set_redirect(location, status);
            response.set_content(body, "application/json");
        };
        server.Get("/.*", handle);
        server.Post("/.*", handle);
        port = server.bind_to_any_port("127.0.0.1");
        thread = std::thread{[this] { server.listen_after_bind(); }};
        while (!server.is_running()) std::this_thread::yield();
    }
    ~PlainServer() {
        server.stop();
        thread.join();
    }
    PlainServer(const PlainServer&) = delete;
    PlainServer& operator=(const PlainServer&) = delete;

    [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port) + "/base/"; }

    std::string body = "[]";
    std::string location;
    int status = 302;
    std::mutex mutex;
    std::vector<httplib::Request> seen;
    std::set<int> peers;
    httplib::Server server;
    int port = 0;
    std::thread thread;
};

}  // namespace

TEST_CASE("all calls share one connection and carry what the API wants") {
    PlainServer server;
    auto http = connect(server.endpoint());
    REQUIRE(http.send(get()).body == "[]");
    REQUIRE(http.send(post("a=1&b=%20")).status == 200);
    const auto reply = http.send(get());
    CHECK(reply.request_id == "id-1");
    CHECK(reply.retry_after == std::chrono::seconds{12});

    REQUIRE(server.seen.size() == 3);
    CHECK(server.peers.size() == 1);
    const auto& form = server.seen[1];
    CHECK(form.path == "/base/x");
    CHECK(form.method == "POST");
    CHECK(form.get_param_value("a") == "1");
    CHECK(form.get_param_value("b") == " ");
    CHECK(form.get_header_value("Content-Type") == "application/x-www-form-urlencoded");
    for (const auto& request : server.seen) {
        CHECK(request.get_header_value("Authorization") == "Bearer " + secret);
        CHECK(request.get_header_value("User-Agent").starts_with("failover-ip/"));
        CHECK_FALSE(request.has_header("Cookie"));
        CHECK_FALSE(request.has_header("Expect"));
        CHECK_FALSE(request.has_header("Transfer-Encoding"));
    }
}

TEST_CASE("a program that is run while a connection is kept does not inherit it") {
    PlainServer server;
    auto http = connect(server.endpoint());
    REQUIRE(http.send(get()).body == "[]");
    int kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        const int file = std::stoi(entry.path().filename());
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.port) continue;
        ++kept;
        CHECK((::fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(kept == 1);
}

TEST_CASE("the hint when to come back is a number or a date, and lasts for one reply") {
    const auto wait_after = [](const std::string& header) {
        const RawServer server{
            [&](int connection) { put(connection, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n" + header + "\r\n"); }};
        auto http = connect(server.endpoint());
        return http.send(get()).retry_after.count();
    };
    CHECK(wait_after("Retry-After: 17\r\n") == 17);
    CHECK(wait_after("") == 0);
    CHECK(wait_after("Retry-After: -17\r\n") == 0);
    CHECK(wait_after("Retry-After: soon\r\n") == 0);
    CHECK(wait_after("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n") == 0);
    CHECK(wait_after("Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n") > 1000000);

    int calls = 0;
    const RawServer server{[&](int connection) {
        const std::string header = ++calls == 1 ? "Retry-After: 5\r\n" : "";
        put(connection, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n" + header + "\r\n");
    }};
    auto http = connect(server.endpoint());
    CHECK(http.send(get()).retry_after.count() == 5);
    CHECK(http.send(get()).retry_after.count() == 0);
}

TEST_CASE("a form of any size arrives whole, also an empty one") {
    PlainServer server;
    auto http = connect(server.endpoint());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{8000}}) {
        REQUIRE(http.send(post(std::string(size, 'a'))).status == 200);
        CHECK(server.seen.back().body.size() == size);
    }
    CHECK(server.peers.size() == 1);
}

TEST_CASE("a redirect is an answer, and nobody else gets the token") {
    PlainServer other;
    for (const int status : {301, 302, 303, 307, 308}) {
        PlainServer server;
        server.location = other.endpoint();
        server.status = status;
        auto http = connect(server.endpoint());
        CHECK(http.send(get()).status == status);
        CHECK(http.send(post("a=1")).status == status);
    }
    CHECK(other.seen.empty());
}

TEST_CASE("a proxy in the environment is not used") {
    PlainServer proxy;
    PlainServer server;
    const auto address = "http://127.0.0.1:" + std::to_string(proxy.port);
    for (const auto* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        ::setenv(name, address.c_str(), 1);
        auto http = connect(server.endpoint());
        CHECK(http.send(get()).status == 200);
        ::unsetenv(name);
    }
    CHECK(proxy.seen.empty());
    CHECK(server.seen.size() == 4);
}

TEST_CASE("a reply may have 8 MiB and not one byte more") {
    PlainServer server;
    auto http = connect(server.endpoint());
    server.body.assign(std::size_t{8} << 20U, 'x');
    CHECK(http.send(get()).body.size() == server.body.size());
    server.body += 'x';
    CHECK(complaint(http, get()).find("larger than 8 MiB") != std::string::npos);
    server.body.assign(std::size_t{10} << 20U, 'x');
    CHECK(complaint(http, get()).find("larger than 8 MiB") != std::string::npos);
    server.body = "[]";
    CHECK(http.send(get()).body == "[]");  // and it recovers
}

TEST_CASE("what is not HTTP is no verdict") {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    for (const auto& reply :
         {std::string{}, std::string{"\r\n\r\n"}, std::string{"hello"}, std::string{"SSH-2.0-x\r\n"},
          std::string{"\0\0\0\0", 4}, std::string{"true"}, std::string{"HTTP/1.1"}, head + "Content-Length: 9\r\n",
          head + "Content-Length: 9\r\n\r\ntrue", head + "Content-Length: x\r\n\r\ntrue",
          head + "Content-Length: -1\r\n\r\ntrue", head + "Transfer-Encoding: chunked\r\n\r\n4\r\ntr",
          head + "Transfer-Encoding: chunked\r\n\r\nzz\r\ntrue\r\n0\r\n\r\n",
          head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\ntrue\r\n0\r\n\r\n"}) {
        INFO(reply);
        CHECK_FALSE(complaint(reply).empty());
    }
}

TEST_CASE("headers without end are no verdict") {
    std::string reply = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 20000; ++i) reply += "X-Junk-" + std::to_string(i) + ": aaaaaaaaaaaaaaaaaaaa\r\n";
    CHECK_FALSE(complaint(reply + "\r\n").empty());
    CHECK_FALSE(complaint("HTTP/1.1 200 OK\r\nX-Junk: " + std::string(5000000, 'a') + "\r\n\r\n").empty());
}

TEST_CASE("the limit holds against a server that drips or is silent") {
    const std::chrono::milliseconds time{300};
    for (const bool drips : {false, true}) {
        const RawServer server{[&](int connection) {
            const auto end = std::chrono::steady_clock::now() + time * 3;
            put(connection, drips ? "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" : "");
            while (std::chrono::steady_clock::now() < end) {
                if (drips) put(connection, "x");
                pollfd client{connection, 0, 0};
                static_cast<void>(::poll(&client, 1, 20));  // until the client hangs up
            }
        }};
        auto http = connect(server.endpoint());
        const auto start = std::chrono::steady_clock::now();
        CHECK(complaint(http, get(time)).find("no answer in time") != std::string::npos);
        CHECK(std::chrono::steady_clock::now() - start < time * 3);
    }
}

TEST_CASE("nobody there is no verdict, at once") {
    std::string endpoint;
    {
        const RawServer gone{[](int) {}};
        endpoint = gone.endpoint();
    }
    auto http = connect(endpoint);
    CHECK(complaint(http, get()).find("no connection") != std::string::npos);
    CHECK_FALSE(complaint(http, get(std::chrono::milliseconds{0})).empty());
    CHECK_FALSE(complaint(http, get(std::chrono::milliseconds{-5})).empty());
}

TEST_CASE("a write is sent once, also when a kept connection is cut under it") {
    std::atomic<int> requests = 0;
    const RawServer server{[&](int connection) {
        ++requests;
        if (requests == 1) {
            // Kept open until the second request has arrived on it; that one is not answered.
            put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
            std::array<char, 4096> part{};
            if (::recv(connection, part.data(), part.size(), 0) > 0) ++requests;
        } else {
            put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue");
        }
    }};
    auto http = connect(server.endpoint());
    REQUIRE(http.send(get()).body == "[]");
    CHECK(complaint(http, post("a=1")).find("cut") != std::string::npos);
    CHECK(requests == 2);
    CHECK(http.send(post("a=1")).body == "true");
}

TEST_CASE("certificates are verified: signer, name and age") {
    const TempDir good_folder;
    const TempDir other_folder;
    const TempDir old_folder;
    const auto good = make_certificate(good_folder.path(), "IP:127.0.0.1", Certificate::Age::valid);
    const auto other = make_certificate(other_folder.path(), "DNS:api.example.com", Certificate::Age::valid);
    const auto old = make_certificate(old_folder.path(), "IP:127.0.0.1", Certificate::Age::expired);

    const TlsServer server{good};
    auto trusting = connect(server.endpoint(), good.certificate_file);
    CHECK(trusting.send(get()).body == "[]");  // the connection works, so the refusals below are the verification's
    CHECK(server.requests() == 1);

    auto strict = connect(server.endpoint());
    CHECK(complaint(strict, get()).find("certificate") != std::string::npos);
    auto wrong_signer = connect(server.endpoint(), other.certificate_file);
    CHECK_FALSE(complaint(wrong_signer, get()).empty());
    CHECK(server.requests() == 1);

    const TlsServer misnamed{other};
    auto wrong_name = connect(misnamed.endpoint(), other.certificate_file);
    CHECK_FALSE(complaint(wrong_name, get()).empty());
    const TlsServer expired{old};
    auto too_old = connect(expired.endpoint(), old.certificate_file);
    CHECK_FALSE(complaint(too_old, get()).empty());
    CHECK(misnamed.requests() + expired.requests() == 0);

    const RawServer plain{[](int connection) { put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"); }};
    auto not_tls = connect("https" + plain.endpoint().substr(4));
    CHECK_FALSE(complaint(not_tls, get(std::chrono::seconds{2})).empty());
}

TEST_CASE("plain http to another machine is a mistake before anything is sent") {
    CHECK_THROWS_AS(connect("http://192.0.2.1:8080/api"), InputError);
    CHECK_THROWS_AS(connect("https://127.0.0.1/", "/no/such/file.pem"), InputError);
}
