#include "deadline.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace fip::hooks {
namespace {

// What the signal handler reads: written before `last_word_size` says that it is there.
std::array<char, 501> last_word;
volatile sig_atomic_t last_word_size = 0;

extern "C" void end_of_time(int) {
    if (last_word_size == 0) ::_exit(0);
    // Nobody is left to tell when stderr is closed.
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, last_word.data(), static_cast<std::size_t>(last_word_size));
    ::_exit(1);
}

void ring_in(std::chrono::milliseconds time) {
    const auto left = std::max(time, std::chrono::milliseconds{1});
    itimerval timer{};
    timer.it_value.tv_sec = left.count() / 1000;
    timer.it_value.tv_usec = left.count() % 1000 * 1000;
    ::setitimer(ITIMER_REAL, &timer, nullptr);  // can only fail for values that are out of range
}

}  // namespace

Deadline::Deadline(std::chrono::milliseconds whole) : begin_{std::chrono::steady_clock::now()}, whole_{whole} {
    struct sigaction action {};
    action.sa_handler = end_of_time;
    ::sigaction(SIGALRM, &action, nullptr);
    // Whoever started us may have blocked it, and a mask is inherited.
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
    ring_in(whole);
}

void Deadline::set(std::chrono::milliseconds whole) {
    whole_ = whole;
    ring_in(left());
}

void Deadline::refuse_at_end(std::string_view line) noexcept {
    const auto size = std::min(line.size(), last_word.size() - 1);
    std::copy_n(line.data(), size, last_word.data());
    last_word[size] = '\n';
    last_word_size = static_cast<sig_atomic_t>(size + 1);
}

std::chrono::milliseconds Deadline::left() const {
    const auto used = std::chrono::steady_clock::now() - begin_;
    return std::max(whole_ - std::chrono::duration_cast<std::chrono::milliseconds>(used), std::chrono::milliseconds{0});
}

}  // namespace fip::hooks
