#pragma once

#include <string>

namespace fip::bench {

/// A mount and network namespace in which /etc/failover-ip, /etc/pve and /var/lib/failover-ip are empty folders in
/// memory, and /run is empty too, so that no daemon of this machine is asked. Nothing is made on the machine itself,
/// and whatever ends the process ends all of it. One at a time, and only while the process has one thread.
///
/// @throws std::system_error  also without CAP_SYS_ADMIN
class PrivateRoot {
public:
    PrivateRoot();
    ~PrivateRoot();  ///< Back to where it was made.
    PrivateRoot(const PrivateRoot&) = delete;
    PrivateRoot& operator=(const PrivateRoot&) = delete;

private:
    int outside_ = -1;
    int network_ = -1;
    int folder_ = -1;
};

}  // namespace fip::bench
