#include "install_file.hpp"

#include "config/read_file.hpp"
#include "config/write_all.hpp"
#include "core/errors.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

constexpr mode_t program_mode = 0755;
constexpr auto lock_file = "/run/lock/failover-ip-proxmox-setup";

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

class File {
public:
    File(const fs::path& path, int flags, mode_t mode) : fd_{::open(path.c_str(), flags | O_CLOEXEC, mode)} {
        if (fd_ < 0) fail(path.string());
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int fd() const { return fd_; }
    void close(const fs::path& path) {
        if (::close(std::exchange(fd_, -1)) != 0) fail(path.string());
    }

private:
    int fd_;
};

/// A fresh file with this name; what a killed set-up left there goes.
void write_fresh(const fs::path& path, std::string_view text, mode_t mode) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path.string());
    File file{path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600};
    if (!config::write_all(file.fd(), text)) fail(path.string());
    if (::fchmod(file.fd(), mode) != 0 || ::fsync(file.fd()) != 0) fail(path.string());
    file.close(path);
}

void sync_folder(const fs::path& folder) {
    const File file{folder, O_RDONLY | O_DIRECTORY, 0};
    if (::fsync(file.fd()) != 0) fail(folder.string());
}

fs::path beside(const fs::path& file) {
    return file.parent_path() / ("." + file.filename().string() + ".new");
}

}  // namespace

bool is_program_with(const fs::path& file, std::string_view bytes) {
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return false;
    if ((found.st_mode & 07777U) != program_mode || found.st_size != static_cast<off_t>(bytes.size())) return false;
    try {
        return config::read_file(file, bytes.size(), config::Access::anybody).text == bytes;
    } catch (const InputError&) {
        return false;
    }
}

void put_program(const fs::path& file, std::string_view bytes) {
    fs::create_directories(file.parent_path());
    const auto fresh = beside(file);
    write_fresh(fresh, bytes, program_mode);
    if (::rename(fresh.c_str(), file.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        errno = error;
        fail(file.string());
    }
    sync_folder(file.parent_path());
}

bool put_if_absent(const fs::path& file, std::string_view text) {
    fs::create_directories(file.parent_path());
    const auto fresh = beside(file);
    write_fresh(fresh, text, 0600);
    const bool is_put = ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0;
    if (!is_put && errno != EEXIST) fail(file.string());
    if (!is_put) ::unlink(fresh.c_str());
    sync_folder(file.parent_path());
    return is_put;
}

SetupLock::SetupLock() : file_{::open(lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)} {
    if (file_ < 0) fail(lock_file);
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(file_);
    throw std::runtime_error{"another install or uninstall is at work on this node: try again when it has ended"};
}

SetupLock::~SetupLock() {
    ::close(file_);  // the file stays: whoever waits for it holds the same one
}

}  // namespace fip::proxmox
