#pragma once

#include <unistd.h>

#include <utility>

namespace fip::guard {

/// Owner of a descriptor; below 0: of none.
class File {
public:
    explicit File(int file = -1) : file_{file} {}
    ~File() { close(); }
    File(File&& other) noexcept : file_{std::exchange(other.file_, -1)} {}
    File& operator=(File&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] int get() const { return file_; }
    void close() {
        if (file_ >= 0) ::close(std::exchange(file_, -1));
    }

private:
    int file_;
};

}  // namespace fip::guard
