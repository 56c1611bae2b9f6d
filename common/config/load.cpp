#include "config/load.hpp"

#include "config/parse_settings.hpp"
#include "config/read_file.hpp"
#include "config/write_all.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fip::config {
namespace {

constexpr std::size_t max_file = 4U << 20U;

std::string text_of(const std::filesystem::path& file) {
    auto found = read_file(file, max_file, Access::anybody);
    if (found.is_missing) throw InputError{fmt::format("{}: no such file", file.native())};
    return std::move(found.text);
}

/// True: `copy` is a plain file of ours that holds just this text.
bool is_kept(const std::filesystem::path& copy, const std::string& text) {
    try {
        const auto found = read_file(copy, max_file, Access::owner_only);
        return !found.is_missing && found.text == text;
    } catch (const InputError&) {
        return false;  // whatever it is, it is replaced
    }
}

void replace(const std::filesystem::path& copy, const std::string& text) {
    const auto fail = [&](int error) {
        return InputError{fmt::format("{}: {}", copy.native(), std::generic_category().message(error))};
    };
    std::string fresh = copy.native() + ".XXXXXX";
    const int descriptor = ::mkostemp(fresh.data(), O_CLOEXEC);  // mode 0600
    if (descriptor < 0) throw fail(errno);
    const bool is_written = write_all(descriptor, text) && ::fsync(descriptor) == 0;
    const int error = errno;
    ::close(descriptor);  // synced or given up: nothing to learn from it
    if (is_written && ::rename(fresh.c_str(), copy.c_str()) == 0) return;
    const int last = is_written ? errno : error;
    ::unlink(fresh.c_str());
    throw fail(last);
}

}  // namespace

Settings load(const std::filesystem::path& file) {
    return parse_settings(text_of(file), file.native());
}

Accepted load_accepted(const std::filesystem::path& file, const std::filesystem::path& copy) {
    Accepted result;
    try {
        const auto text = text_of(file);
        result.settings = parse_settings(text, file.native());
        if (is_kept(copy, text)) return result;
        try {
            replace(copy, text);
        } catch (const InputError&) {
            // No reason to hold up a start: the daemon writes the same copy and logs why it cannot.
        }
        return result;
    } catch (const InputError& error) {
        result.problem = error.what();
    }
    try {
        result.settings = load(copy);
    } catch (const InputError&) {
        // No accepted copy: what is wrong with the file says enough.
    }
    return result;
}

Accepted load_accepted() {
    return load_accepted(default_file, accepted_file);
}

void keep_copy(const std::filesystem::path& file, const std::filesystem::path& copy) {
    const auto text = text_of(file);
    (void)parse_settings(text, file.native());  // it may have changed since the caller read it
    if (!is_kept(copy, text)) replace(copy, text);
}

void remember(const std::filesystem::path& file) {
    if (file == default_file) keep_copy(file, accepted_file);
}

}  // namespace fip::config
