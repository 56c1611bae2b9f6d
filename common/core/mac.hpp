#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fip {

/// An Ethernet address. Text is lower case with colons.
class Mac {
public:
    /// Strict: six pairs of hex digits with colons, any case.
    /// @throws InputError  anything else, also trailing characters; multicast and all-zero addresses
    [[nodiscard]] static Mac parse(std::string_view text);
    [[nodiscard]] static std::optional<Mac> try_parse(std::string_view text) noexcept;

    /// A locally administered unicast address (first octet 02) from 40 random bits.
    [[nodiscard]] static Mac local(std::uint64_t random) noexcept;

    [[nodiscard]] std::string text() const;
    [[nodiscard]] const std::array<std::uint8_t, 6>& bytes() const noexcept { return bytes_; }

    friend auto operator<=>(const Mac&, const Mac&) noexcept = default;

private:
    std::array<std::uint8_t, 6> bytes_{};
};

}  // namespace fip
