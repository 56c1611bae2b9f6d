#include "core/address.hpp"

#include "core/errors.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <charconv>
#include <string>

namespace fip {
namespace {

std::uint8_t byte_mask(int bits) {
    return static_cast<std::uint8_t>(bits >= 8 ? 0xFF : bits <= 0 ? 0 : 0xFF << (8 - bits));
}

}  // namespace

std::optional<Address> Address::try_parse(std::string_view text) noexcept {
    // inet_pton stops at a NUL, so the copy must hold none.
    if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return {};
    char copy[INET6_ADDRSTRLEN]{};
    std::copy(text.begin(), text.end(), copy);
    Address address;
    if (::inet_pton(AF_INET, copy, address.bytes_.data()) == 1) return address;
    if (::inet_pton(AF_INET6, copy, address.bytes_.data()) == 1) {
        address.bits_ = 128;
        return address;
    }
    return {};
}

Address Address::parse(std::string_view text) {
    if (const auto address = try_parse(text)) return *address;
    throw InputError{"not an IP address: \"" + std::string{text.substr(0, 64)} + "\""};
}

std::string Address::text() const {
    char text[INET6_ADDRSTRLEN]{};
    ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
    return text;
}

std::string Address::dashed() const {
    auto label = text();
    std::replace_if(
        label.begin(), label.end(), [](char c) { return c == '.' || c == ':'; }, '-');
    return label;
}

std::optional<Address> Address::next() const noexcept {
    auto higher = *this;
    for (int i = bits_ / 8 - 1; i >= 0; --i) {
        if (++higher.bytes_[static_cast<std::size_t>(i)] != 0) return higher;
    }
    return {};
}

Prefix Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    Prefix prefix;
    prefix.first_ = Address::parse(text.substr(0, slash));
    prefix.length_ = prefix.first_.bits();
    if (slash == std::string_view::npos) return prefix;

    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix.length_);
    const bool is_number = error == std::errc{} && end == digits.data() + digits.size() && digits.front() != '-';
    if (!is_number || prefix.length_ > prefix.first_.bits()) {
        throw InputError{"not a prefix length: \"" + std::string{text.substr(0, 64)} + "\""};
    }
    for (int i = 0; i < prefix.first_.bits() / 8; ++i) {
        const auto rest = static_cast<std::uint8_t>(~byte_mask(prefix.length_ - 8 * i));
        if ((prefix.first_.bytes()[static_cast<std::size_t>(i)] & rest) != 0) {
            throw InputError{"host bits are set in the prefix \"" + std::string{text.substr(0, 64)} + "\""};
        }
    }
    return prefix;
}

bool Prefix::contains(const Address& address) const noexcept {
    if (address.bits() != first_.bits()) return false;
    for (int i = 0; i < address.bits() / 8; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (((address.bytes()[at] ^ first_.bytes()[at]) & byte_mask(length_ - 8 * i)) != 0) return false;
    }
    return true;
}

bool Prefix::overlaps(const Prefix& other) const noexcept {
    return length_ <= other.length_ ? contains(other.first_) : other.contains(first_);
}

std::string Prefix::text() const {
    return first_.text() + "/" + std::to_string(length_);
}

}  // namespace fip
