#include "hook_call.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace fip::hooks {
namespace {

Phase phase_of(std::string_view operation, std::string_view suboperation) {
    if (suboperation != "begin") return Phase::other;
    if (operation == "prepare") return Phase::prepare;
    if (operation == "start") return Phase::start;
    if (operation == "migrate" || operation == "restore") return Phase::incoming;
    return Phase::other;
}

}  // namespace

HookCall read_call(std::span<const char* const> arguments) {
    HookCall call;
    if (arguments.size() < 3) return call;
    call.guest = arguments[0];
    call.operation = arguments[1];
    call.phase = phase_of(call.operation, arguments[2]);
    return call;
}

std::optional<std::string> read_all(int file, std::size_t most) {
    std::string text;
    std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    bool is_too_long = false;
    for (;;) {
        const auto n = ::read(file, piece.data(), piece.size());
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error{errno, std::generic_category(), "cannot read the guest's XML"};
        is_too_long = is_too_long || text.size() + static_cast<std::size_t>(n) > most;
        if (!is_too_long) text.append(piece.data(), static_cast<std::size_t>(n));
    }
    if (is_too_long) return std::nullopt;
    return text;
}

}  // namespace fip::hooks
