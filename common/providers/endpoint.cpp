#include "providers/endpoint.hpp"

#include "core/address.hpp"
#include "core/errors.hpp"

#include <algorithm>

namespace fip::providers {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view host_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
constexpr std::string_view path_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~/";

bool has_only(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_loopback(std::string_view host) {
    if (host == "localhost") return true;
    const auto address = Address::try_parse(host);
    if (!address) return false;
    return address->is_v4() ? address->bytes()[0] == 127 : *address == Address::parse("::1");
}

bool is_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || !has_only(text, digits)) return false;
    const auto value = std::stoi(std::string{text});
    return value > 0 && value < 65536;
}

struct Authority {
    std::string_view host;  // without brackets
    std::string_view port;  // with its colon, or empty
    bool is_bracketed = false;
};

Authority split(std::string_view text) {
    Authority result;
    result.is_bracketed = text.starts_with('[');
    const auto end = result.is_bracketed ? text.find(']') : text.find(':');
    if (result.is_bracketed && end == std::string_view::npos) return {};
    result.host = result.is_bracketed ? text.substr(1, end - 1) : text.substr(0, end);
    if (end != std::string_view::npos) result.port = text.substr(result.is_bracketed ? end + 1 : end);
    return result;
}

bool is_host(const Authority& authority) {
    if (authority.is_bracketed) {
        const auto address = Address::try_parse(authority.host);
        return address && !address->is_v4();
    }
    return !authority.host.empty() && authority.host.size() <= 253 && has_only(authority.host, host_characters);
}

}  // namespace

// Stricter than any URL grammar, so that libcurl cannot read another host out of it than we did.
std::string check_endpoint(std::string_view url) {
    const auto reject = [&](const std::string& why) -> InputError {
        return InputError{"endpoint: " + why + ", as in https://api.example.com/v1"};
    };
    if (url.size() > 1024) throw reject("too long");
    const bool is_https = url.starts_with("https://");
    if (!is_https && !url.starts_with("http://")) throw reject("must begin with https://");
    const auto rest = url.substr(is_https ? 8 : 7);
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto authority = split(rest.substr(0, slash));
    auto path = rest.substr(slash);
    if (!is_host(authority)) throw reject("needs a plain host name or address");
    if (!authority.port.empty() && (authority.port.front() != ':' || !is_port(authority.port.substr(1)))) {
        throw reject("has a bad port");
    }
    if (!has_only(path, path_characters) || path.find("..") != std::string_view::npos) {
        throw reject("must not have a query, a fragment or special characters");
    }
    if (!is_https && !is_loopback(authority.host)) throw reject("plain http is for loopback only; use https");
    while (path.ends_with('/')) path.remove_suffix(1);
    return std::string{url.substr(0, url.size() - rest.size() + slash)} + std::string{path};
}

}  // namespace fip::providers
