#include "inbox.hpp"

#include "read_guest.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace fip::proxmox {

Inbox::Inbox() : wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (wake_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
}

Inbox::~Inbox() {
    ::close(wake_);
}

template <typename Change>
void Inbox::put(const Change& change) {
    {
        const std::lock_guard held{mutex_};
        change();
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);  // a full counter wakes as well
}

bool Inbox::look(std::string_view id) {
    const auto vmid = parse_vmid(id.substr(0, id.find('/')));
    if (vmid) put([&] { wishes_.look.insert(*vmid); });
    return vmid.has_value();
}

bool Inbox::look_at_start(std::string_view id) {
    const auto vmid = parse_vmid(id);
    if (vmid) put([&] { wishes_.starting.insert(*vmid); });
    return vmid.has_value();
}

void Inbox::look_at_waiting() {
    put([&] { wishes_.is_waiting_due = true; });
}

void Inbox::compare() {
    put([&] { wishes_.is_compare_due = true; });
}

void Inbox::use(std::shared_ptr<const daemon::Setup> setup) {
    put([&] { wishes_.setup = std::move(setup); });
}

void Inbox::stop() {
    put([&] { is_stopped_ = true; });
}

Inbox::Wishes Inbox::take() {
    std::uint64_t count = 0;
    (void)!::read(wake_, &count, sizeof count);
    const std::lock_guard held{mutex_};
    return std::exchange(wishes_, {});
}

bool Inbox::is_stopped() const {
    const std::lock_guard held{mutex_};
    return is_stopped_;
}

}  // namespace fip::proxmox
