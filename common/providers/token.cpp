#include "providers/token.hpp"

#include "core/errors.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>

#include <algorithm>

namespace fip::providers {
namespace {

constexpr std::size_t longest_quote = 200;
constexpr std::size_t longest_look = 4096;  // of a reply's text; what is behind it is never shown
constexpr std::size_t telling_run = 8;
constexpr std::string_view replacement = "[token]";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
    return result;
}

// One line of printable ASCII: other bytes become one '?' per run, white space one blank per run.
std::string printable(std::string_view text) {
    std::string result;
    for (const char c : text.substr(0, longest_look)) {
        const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        const char shown = is_blank ? ' ' : c > ' ' && c <= '~' ? c : '?';
        const bool repeats = (is_blank || shown != c) && !result.empty() && result.back() == shown;
        if (!repeats) result += shown;
    }
    return result;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
    const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
    return static_cast<std::size_t>(end - a.begin());
}

// Length of the longest part of `secret` that `text` begins with, in any case.
std::size_t longest_part(std::string_view text, std::string_view secret) {
    std::size_t longest = 0;
    for (std::size_t start = 0; start < secret.size(); ++start) {
        longest = std::max(longest, common_prefix(text, secret.substr(start)));
    }
    return longest;
}

}  // namespace

Token::Token(std::string secret) : secret_{secret} {
    wipe(secret);
    const bool is_sendable = std::all_of(secret_.begin(), secret_.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!secret_.empty() && secret_.size() <= longest_look && is_sendable) return;
    const bool is_empty = secret_.empty();
    wipe(secret_);  // the destructor does not run
    throw InputError{is_empty ? "the provider's token is empty"
                              : "the provider's token is not one line of printable characters without blanks"};
}

Token::~Token() {
    wipe(secret_);
}

std::string Token::quote(std::string_view text) const {
    const auto shown = printable(text);
    auto secret = lower(secret_);
    auto folded = lower(shown);
    const auto telling = std::min(telling_run, secret.size());
    std::string result;
    for (std::size_t at = 0; at < shown.size() && result.size() <= longest_quote;) {
        const auto part = longest_part(std::string_view{folded}.substr(at), secret);
        if (part >= telling) {
            result += replacement;
            at += part;
        } else {
            result += shown[at++];
        }
    }
    wipe(secret);
    wipe(folded);
    if (result.size() > longest_quote) result = result.substr(0, longest_quote - 3) + "...";
    while (!result.empty() && result.front() == ' ') result.erase(0, 1);
    while (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
}

void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // also what an earlier, longer content left there
    ::explicit_bzero(text.data(), text.size());
    text.clear();
}

}  // namespace fip::providers
