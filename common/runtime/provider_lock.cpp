#include "runtime/provider_lock.hpp"

#include "core/errors.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fip::runtime {
namespace {

class HeldFile final : public HeldLock {
public:
    explicit HeldFile(int file) : file_{file} {}
    ~HeldFile() override { ::close(file_); }

private:
    int file_;
};

[[noreturn]] void fail(const std::filesystem::path& file) {
    throw StoreError{file.string() + ": " + std::generic_category().message(errno)};
}

std::unique_ptr<HeldLock> hold_file(const std::filesystem::path& file) {
    const int opened = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) fail(file);
    auto held = std::make_unique<HeldFile>(opened);
    while (::flock(opened, LOCK_EX) != 0) {
        if (errno != EINTR) fail(file);
    }
    return held;
}

}  // namespace

std::unique_ptr<HeldLock> FileProviderLock::hold(const std::string& provider) {
    return hold_file(folder_ / ("provider-" + provider + ".lock"));
}

std::unique_ptr<HeldLock> FileProviderLock::hold_guard() {
    return hold_file(folder_ / "guard.lock");
}

}  // namespace fip::runtime
