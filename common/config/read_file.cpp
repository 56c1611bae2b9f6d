#include "config/read_file.hpp"

#include "core/errors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fip::config {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

std::string reason(int error) {
    return std::generic_category().message(error);
}

}  // namespace

FileText read_file(const std::filesystem::path& path, std::size_t limit, Access access) {
    const auto fail = [&](const std::string& what) { return InputError{fmt::format("{}: {}", path.native(), what)}; };
    // Non-blocking: a pipe is refused below instead of waiting for somebody to write.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file.number() < 0) {
        if (errno == ENOENT) return {true, {}};
        throw fail(reason(errno));
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) throw fail(reason(errno));
    if (!S_ISREG(status.st_mode)) throw fail("expected a regular file");
    if (access == Access::owner_only && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw fail(fmt::format("mode {:o} lets others in; run: chmod 600 {}", status.st_mode & 07777U, path.native()));
    }
    FileText result;
    if (status.st_size > static_cast<off_t>(limit)) throw fail(fmt::format("longer than {} bytes", limit));
    result.text.resize(limit + 1 < static_cast<std::size_t>(status.st_size) + 4096
                           ? limit + 1
                           : static_cast<std::size_t>(status.st_size) + 4096);
    std::size_t size = 0;
    while (size < result.text.size()) {
        const auto got = ::read(file.number(), result.text.data() + size, result.text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw fail(reason(errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size == result.text.size()) throw fail("grew while it was read");
    result.text.resize(size);
    return result;
}

}  // namespace fip::config
