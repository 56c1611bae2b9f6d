#include "provider_servers.hpp"

#include <httplib.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace fip::test {
namespace {

void check(bool is_good, const char* what) {
    if (!is_good) throw std::runtime_error{what};
}

// Reads one request: its head, and as many bytes as its Content-Length says.
bool read_request(int connection) {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
            const auto length = text.find("Content-Length: ");
            const auto body = length < head ? std::stoul(text.substr(length + 16)) : 0;
            if (text.size() >= head + 4 + body) return true;
        }
        const auto n = ::recv(connection, part.data(), part.size(), 0);
        if (n <= 0) return false;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

template <typename Thing>
std::shared_ptr<Thing> owned(Thing* thing, void (*free_it)(Thing*)) {
    check(thing != nullptr, "OpenSSL");
    return {thing, free_it};
}

template <typename Write>
void write_pem(const std::string& file, Write write) {
    const std::unique_ptr<FILE, int (*)(FILE*)> out{std::fopen(file.c_str(), "w"), &std::fclose};
    check(out != nullptr && write(out.get()) == 1, "cannot write a PEM file");
}

}  // namespace

void put(int connection, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto n = ::send(connection, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (n <= 0) return;
        done += static_cast<std::size_t>(n);
    }
}

struct RawServer::State {
    int listener = -1;
    int port = 0;
    std::atomic<bool> is_stopping = false;
    std::atomic<int> connections = 0;
    std::thread thread;
};

RawServer::RawServer(Answer answer) : state_{std::make_shared<State>()} {
    state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    auto* raw = reinterpret_cast<sockaddr*>(&place);
    const bool is_bound = ::bind(state_->listener, raw, size) == 0 && ::listen(state_->listener, 16) == 0 &&
                          ::getsockname(state_->listener, raw, &size) == 0;
    if (!is_bound) throw std::system_error{errno, std::generic_category(), "listen on loopback"};
    state_->port = ntohs(place.sin_port);
    state_->thread = std::thread{[state = state_.get(), answer = std::move(answer)] {
        while (!state->is_stopping) {
            pollfd waiting{state->listener, POLLIN, 0};
            if (::poll(&waiting, 1, 20) <= 0) continue;
            const int connection = ::accept(state->listener, nullptr, nullptr);
            if (connection < 0) continue;
            ++state->connections;
            if (read_request(connection)) answer(connection);
            ::close(connection);
        }
    }};
}

RawServer::~RawServer() {
    state_->is_stopping = true;
    state_->thread.join();
    ::close(state_->listener);
}

std::string RawServer::endpoint() const {
    return "http://127.0.0.1:" + std::to_string(state_->port);
}

int RawServer::connections() const {
    return state_->connections;
}

Certificate make_certificate(const std::string& folder, const std::string& alternative_name, Certificate::Age age) {
    const auto key = owned(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const auto certificate = owned(X509_new(), &X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    constexpr long day = 86400;
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -10 * day);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), age == Certificate::Age::expired ? -day : day);
    X509_set_pubkey(certificate.get(), key.get());
    auto* name = X509_get_subject_name(certificate.get());
    const auto* common = reinterpret_cast<const unsigned char*>("failover-ip test");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    const auto names = owned(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_name.c_str()),
                             &X509_EXTENSION_free);
    X509_add_ext(certificate.get(), names.get(), -1);
    check(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "cannot sign");

    Certificate made{folder + "/certificate.pem", folder + "/key.pem"};
    write_pem(made.certificate_file, [&](FILE* out) { return PEM_write_X509(out, certificate.get()); });
    write_pem(made.key_file,
              [&](FILE* out) { return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return made;
}

struct TlsServer::State {
    State(const char* certificate, const char* key) : server{certificate, key} {}
    httplib::SSLServer server;
    int port = 0;
    std::atomic<int> requests = 0;
    std::thread thread;
};

TlsServer::TlsServer(const Certificate& certificate)
    : state_{std::make_unique<State>(certificate.certificate_file.c_str(), certificate.key_file.c_str())} {
    auto* state = state_.get();
    state->server.Get("/.*", [state](const httplib::Request& /*request*/, httplib::Response& response) {
        ++state->requests;
        response.set_content("[]", "application/json");
    });
    state->port = state->server.bind_to_any_port("127.0.0.1");
    check(state->port > 0, "cannot listen on loopback");
    state->thread = std::thread{[state] { state->server.listen_after_bind(); }};
    while (!state->server.is_running()) std::this_thread::yield();
}

TlsServer::~TlsServer() {
    state_->server.stop();
    state_->thread.join();
}

std::string TlsServer::endpoint() const {
    return "https://127.0.0.1:" + std::to_string(state_->port);
}

int TlsServer::requests() const {
    return state_->requests;
}

}  // namespace fip::test
