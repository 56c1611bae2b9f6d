#pragma once

#include <string>
#include <string_view>

namespace fip::providers {

/// A provider's secret. The memory is wiped when the object goes; it is neither copied nor printed.
class Token {
public:
    /// @throws InputError  empty, longer than 4096, or something that no HTTP header may carry; what() does not quote
    /// it
    explicit Token(std::string secret);
    ~Token();
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;

    [[nodiscard]] const std::string& secret() const noexcept { return secret_; }

    /// Somebody else's words, fit for a log line: at most 200 printable characters of one line, and without the secret
    /// or any run of 8 characters of it.
    [[nodiscard]] std::string quote(std::string_view text) const;

private:
    std::string secret_;
};

/// Overwrite before the memory is given back; the compiler does not optimise it away.
void wipe(std::string& text) noexcept;

}  // namespace fip::providers
