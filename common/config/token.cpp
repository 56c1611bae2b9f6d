#include "config/token.hpp"

#include "config/read_file.hpp"
#include "core/errors.hpp"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace fip::config {
namespace {

constexpr std::size_t max_token = 4096;

Secret checked(std::string&& text, const std::filesystem::path& path) {
    if (text.ends_with('\n')) text.pop_back();
    const bool is_empty = text.empty();
    const bool is_plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
    Secret result{std::move(text)};
    if (is_empty) throw InputError{fmt::format("{}: empty; expected a token", path.native())};
    if (!is_plain) {
        throw InputError{fmt::format("{}: expected one line with a token, without spaces", path.native())};
    }
    return result;
}

std::filesystem::path credential_of(const ProviderSettings& provider) {
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || *folder != '/') return {};
    const auto name = std::filesystem::path{provider.token_file}.filename();
    return std::filesystem::path{folder} / (name.empty() ? std::filesystem::path{provider.name + ".token"} : name);
}

}  // namespace

void Secret::wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // never allocates: the capacity is there
    ::explicit_bzero(text.data(), text.size());
    text.clear();
}

Secret read_token(const ProviderSettings& provider) {
    const auto credential = credential_of(provider);
    if (!credential.empty()) {
        auto file = read_file(credential, max_token, Access::anybody);
        if (!file.is_missing) return checked(std::move(file.text), credential);
    }
    if (provider.token_file.empty()) {
        throw InputError{fmt::format("provider {}: no token; set token_file, or give the service a credential {}.token",
                                     provider.name, provider.name)};
    }
    auto file = read_file(provider.token_file, max_token, Access::owner_only);
    if (file.is_missing)
        throw InputError{
            fmt::format("{}: no such file; expected the token of provider {}", provider.token_file, provider.name)};
    return checked(std::move(file.text), provider.token_file);
}

}  // namespace fip::config
