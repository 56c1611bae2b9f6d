// Preloaded into the real daemon: its clocks jump when a test says so.
//
//   LD_PRELOAD=libfip_clock_shift.so
//   FIP_CLOCK_FILE=FILE     "<seconds> <seconds>": added to the time of day and to the time since boot; read at every
//                           call, so a test changes it while the daemon runs. Without the file nothing is added.
// The monotonic clock and every timer stay true: nothing waits longer than it should.

#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

namespace {

struct Shift {
    long long realtime = 0;
    long long boottime = 0;
};

Shift shift() {
    Shift result;
    const char* name = std::getenv("FIP_CLOCK_FILE");
    if (name == nullptr) return result;
    if (std::FILE* file = std::fopen(name, "re")) {
        if (std::fscanf(file, "%lld %lld", &result.realtime, &result.boottime) < 1) result = {};
        std::fclose(file);
    }
    return result;
}

int real_clock_gettime(clockid_t clock, timespec* time) {
    static auto* const real = reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
    return real(clock, time);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    const int result = real_clock_gettime(clock, time);
    if (result != 0) return result;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += shift().realtime;
    if (clock == CLOCK_BOOTTIME) time->tv_sec += shift().boottime;
    return result;
}

time_t time(time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(timeval* out, void* /*zone*/) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
}
