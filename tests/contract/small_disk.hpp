#pragma once

#include "support/temp_dir.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <filesystem>

namespace fip::test {

/// A disk of our own, in memory, in a mount namespace that ends with this process. Needs root: without, is_there() is
/// false and path() an ordinary folder.
class SmallDisk {
public:
    explicit SmallDisk(const char* options) {
        is_there_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    ::mount("none", dir_.path().c_str(), "tmpfs", 0, options) == 0;
    }
    ~SmallDisk() {
        if (is_there_) ::umount2(dir_.path().c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] bool is_there() const { return is_there_; }
    [[nodiscard]] const std::filesystem::path& path() const { return dir_.path(); }
    [[nodiscard]] bool make_read_only() const {
        return ::mount("none", dir_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
    }

private:
    TempDir dir_;
    bool is_there_ = false;
};

}  // namespace fip::test
