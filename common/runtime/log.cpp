#include "runtime/log.hpp"

#include "runtime/printable.hpp"

#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string>

namespace fip::runtime {
namespace {

std::string_view priority(Level level) {
    switch (level) {
    case Level::info:
        return "<6>";
    case Level::warning:
        return "<4>";
    case Level::error:
        return "<3>";
    }
    return "<6>";
}

}  // namespace

void log(Level level, std::string_view id, std::string_view text) noexcept {
    try {
        std::string line;
        if (::isatty(STDERR_FILENO) == 0) line = priority(level);
        line.append(id).append(": ").append(printable(text)).push_back('\n');
        while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
        }
    } catch (const std::exception&) {
        // Out of memory for one line: the program goes on without it.
    }
}

void log_lines(Level level, std::string_view id, std::string_view text) noexcept {
    while (!text.empty()) {
        const auto end = text.find('\n');
        log(level, id, text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

}  // namespace fip::runtime
