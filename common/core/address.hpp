#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fip {

/// An IPv4 or IPv6 address. IPv4 sorts before IPv6, then by value.
class Address {
public:
    /// Strict: dotted quad without leading zeros, or RFC 4291 text; no prefix, no zone, no space.
    /// @throws InputError  anything else, also trailing characters
    [[nodiscard]] static Address parse(std::string_view text);
    [[nodiscard]] static std::optional<Address> try_parse(std::string_view text) noexcept;

    [[nodiscard]] bool is_v4() const noexcept { return bits_ == 32; }
    [[nodiscard]] int bits() const noexcept {
        return bits_;
    }                                          ///< 32 or 128: also the prefix length of a single address.
    [[nodiscard]] std::string text() const;    ///< Canonical; parse(text()) gives it back.
    [[nodiscard]] std::string dashed() const;  ///< "203-0-113-5", "2001-db8--5": a DNS label.
    /// Network byte order; an IPv4 address fills the first four.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

    /// The next higher address of the same family; empty after the last.
    [[nodiscard]] std::optional<Address> next() const noexcept;

    friend auto operator<=>(const Address&, const Address&) noexcept = default;

private:
    int bits_ = 32;
    std::array<std::uint8_t, 16> bytes_{};
};

/// A range of addresses: "203.0.113.0/28". A bare address is a range of one.
class Prefix {
public:
    /// @throws InputError  not an address, a length that the family lacks, or host bits set
    [[nodiscard]] static Prefix parse(std::string_view text);

    [[nodiscard]] bool contains(const Address& address) const noexcept;
    [[nodiscard]] bool overlaps(const Prefix& other) const noexcept;
    [[nodiscard]] const Address& first() const noexcept { return first_; }
    [[nodiscard]] int length() const noexcept { return length_; }
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Prefix&, const Prefix&) noexcept = default;

private:
    Address first_{};
    int length_ = 32;
};

}  // namespace fip
