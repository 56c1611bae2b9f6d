#include "daemon/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace fip::daemon {

Signals::Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signals_ < 0 || stop_ < 0) throw std::system_error{errno, std::generic_category(), "signalfd"};
}

Signals::~Signals() {
    ::close(signals_);
    ::close(stop_);
}

Signals::Came Signals::wait(std::chrono::microseconds limit) const {
    std::array<pollfd, 2> files{{{signals_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    if (::poll(files.data(), files.size(), timeout == 0 ? -1 : static_cast<int>(timeout)) <= 0) return Came::nothing;
    if (files[1].revents != 0) return Came::stop;
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != sizeof signal) return Came::nothing;
    return signal.ssi_signo == SIGHUP ? Came::reload : Came::stop;
}

void Signals::raise_stop() const noexcept {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof one);  // a full counter wakes as well
}

void Signals::raise_reload() noexcept {
    ::kill(::getpid(), SIGHUP);
}

}  // namespace fip::daemon
