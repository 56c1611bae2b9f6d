#include "providers/curl_http.hpp"

#include "core/errors.hpp"
#include "providers/endpoint.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

namespace fip::providers {
namespace {

constexpr std::size_t largest_reply = std::size_t{8} << 20U;
constexpr std::size_t largest_headers = std::size_t{256} << 10U;
constexpr std::chrono::milliseconds connect_limit = std::chrono::seconds{5};

// curl_global_init is not thread-safe in every build of libcurl; the first object wins, process end cleans up.
void init_curl() {
    static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK) throw ProviderUnavailable{"libcurl cannot be initialised"};
}

struct FreeEasy {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};

// The list holds the token: wiped before it is freed.
struct FreeHeaders {
    void operator()(curl_slist* list) const noexcept {
        for (auto* item = list; item != nullptr; item = item->next)
            ::explicit_bzero(item->data, std::strlen(item->data));
        curl_slist_free_all(list);
    }
};
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;

void append(Headers& headers, const char* line) {
    auto* longer = curl_slist_append(headers.get(), line);
    if (longer == nullptr) throw std::bad_alloc{};
    static_cast<void>(headers.release());  // `longer` is the same list, or its first item
    headers.reset(longer);
}

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
    const auto result = curl_easy_setopt(handle, option, value);
    if (result != CURLE_OK) {
        throw ProviderUnavailable{
            fmt::format("libcurl lacks option {}: {}", static_cast<int>(option), curl_easy_strerror(result))};
    }
}

// One exchange in progress; the callbacks below fill it.
struct Exchange {
    HttpReply reply;
    std::size_t header_bytes = 0;
    bool is_too_large = false;
    std::string_view unsent;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const auto bytes = size * count;
    if (exchange.reply.body.size() + bytes > largest_reply) {
        exchange.is_too_large = true;
        return 0;
    }
    try {
        exchange.reply.body.append(data, bytes);
    } catch (const std::bad_alloc&) {
        return 0;  // libcurl ends the transfer: reported as unavailable
    }
    return bytes;
}

std::string_view value_of(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line[name.size()] != ':') return {};
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) return {};
    auto value = line.substr(name.size() + 1);
    const auto first = value.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    value = value.substr(first);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' ')) {
        value.remove_suffix(1);
    }
    return value;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view line{data, size * count};
    exchange.header_bytes += line.size();
    if (exchange.header_bytes > largest_headers) {
        exchange.is_too_large = true;
        return 0;
    }
    try {
        if (const auto id = value_of(line, "X-Request-Id"); !id.empty()) exchange.reply.request_id = id;
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return line.size();
}

// A body that libcurl cannot rewind: it repeats a request by itself when a kept connection turns out to be closed, and
// a POST may have been carried out by then. Without a rewind it gives up instead.
std::size_t on_send(char* data, std::size_t size, std::size_t count, void* user) noexcept {
    auto& exchange = *static_cast<Exchange*>(user);
    const auto bytes = std::min(size * count, exchange.unsent.size());
    std::memcpy(data, exchange.unsent.data(), bytes);
    exchange.unsent.remove_prefix(bytes);
    return bytes;
}

// The daemons run other programs while a connection is kept: it is not theirs.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* to) noexcept {
    return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

std::string_view describe(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its name cannot be resolved";
    case CURLE_COULDNT_CONNECT:
        return "no connection";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return "the connection was cut";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its TLS certificate is not trusted";
    case CURLE_SSL_CONNECT_ERROR:
        return "the TLS handshake failed";
    default:
        return curl_easy_strerror(code);
    }
}

}  // namespace

struct CurlHttp::Connection {
    std::unique_ptr<CURL, FreeEasy> handle;
    Headers headers;
    std::string endpoint;
};

CurlHttp::CurlHttp(const Target& target) : connection_{std::make_unique<Connection>()} {
    init_curl();
    connection_->endpoint = check_endpoint(target.endpoint);
    if (!target.ca_file.empty() && ::access(target.ca_file.c_str(), R_OK) != 0) {
        throw InputError{"cannot read " + target.ca_file};
    }
    auto authorization = "Authorization: Bearer " + target.token->secret();
    append(connection_->headers, "Accept: application/json");
    append(connection_->headers, authorization.c_str());
    wipe(authorization);

    connection_->handle.reset(curl_easy_init());
    auto* handle = connection_->handle.get();
    if (handle == nullptr) throw std::bad_alloc{};
    set(handle, CURLOPT_PROTOCOLS_STR, connection_->endpoint.starts_with("https:") ? "https" : "http");
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    set(handle, CURLOPT_PROXY, "");  // neither the environment's
    set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!target.ca_file.empty()) {
        set(handle, CURLOPT_CAINFO, target.ca_file.c_str());
        set(handle, CURLOPT_CAPATH, nullptr);
    }
    set(handle, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle, CURLOPT_USERAGENT, "failover-ip/" FIP_VERSION);
    set(handle, CURLOPT_HTTPHEADER, connection_->headers.get());
    set(handle, CURLOPT_WRITEFUNCTION, &on_body);
    set(handle, CURLOPT_HEADERFUNCTION, &on_header);
    set(handle, CURLOPT_READFUNCTION, &on_send);
}

CurlHttp::~CurlHttp() = default;

HttpReply CurlHttp::send(const HttpRequest& request) {
    if (request.limit.count() <= 0) throw ProviderUnavailable{"no time left to ask the provider"};
    auto* handle = connection_->handle.get();
    Exchange exchange;
    exchange.unsent = request.form;
    const auto url = connection_->endpoint + request.path;
    set(handle, CURLOPT_URL, url.c_str());
    set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.limit.count()));
    set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(request.limit, connect_limit).count()));
    set(handle, CURLOPT_WRITEDATA, &exchange);
    set(handle, CURLOPT_HEADERDATA, &exchange);
    set(handle, CURLOPT_READDATA, &exchange);
    if (request.method == Method::get) {
        set(handle, CURLOPT_HTTPGET, 1L);
    } else {
        set(handle, CURLOPT_POST, 1L);
        set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form.size()));
    }

    const auto result = curl_easy_perform(handle);
    if (exchange.is_too_large) throw ProviderUnavailable{"the provider's reply is larger than 8 MiB"};
    if (result != CURLE_OK)
        throw ProviderUnavailable{fmt::format("the provider cannot be reached: {}", describe(result))};
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    exchange.reply.status = static_cast<int>(status);
    curl_off_t wait = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait);
    exchange.reply.retry_after = std::chrono::seconds{std::max(wait, curl_off_t{0})};
    return exchange.reply;
}

}  // namespace fip::providers
