#include "runtime/system_clock.hpp"

#include <time.h>

#include <chrono>
#include <fstream>
#include <stdexcept>

namespace fip::runtime {
namespace {

std::chrono::milliseconds read(clockid_t which) {
    timespec time{};
    ::clock_gettime(which, &time);  // neither clock can fail on a kernel that runs this
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::seconds{time.tv_sec} +
                                                                 std::chrono::nanoseconds{time.tv_nsec});
}

}  // namespace

SystemClock::SystemClock() {
    constexpr auto file = "/proc/sys/kernel/random/boot_id";
    std::ifstream in{file};
    if (!std::getline(in, boot_id_) || boot_id_.empty()) throw std::runtime_error{std::string{file} + ": cannot read"};
}

Now SystemClock::now() const {
    return {WallTime{read(CLOCK_REALTIME)}, read(CLOCK_BOOTTIME), boot_id_};
}

}  // namespace fip::runtime
