#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

extern char** environ;

namespace fip::test {

/// The one folder of this test program in /tmp. It goes with the program, however that ends: a small process waits for
/// our end of a pipe to close and removes what we could not.
class TempRoot {
public:
    TempRoot() {
        std::string name = std::filesystem::temp_directory_path() / "fip.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error{errno, std::generic_category(), "mkdtemp"};
        path_ = name;
        start_caretaker();
    }
    ~TempRoot() {
        std::error_code ignored;  // a destructor does not throw, and the caretaker tries again
        std::filesystem::remove_all(path_, ignored);
        ::close(alive_);
        ::waitpid(caretaker_, nullptr, 0);
    }
    TempRoot(const TempRoot&) = delete;
    TempRoot& operator=(const TempRoot&) = delete;

    [[nodiscard]] static std::filesystem::path next_folder() {
        static const TempRoot root;
        static std::atomic<int> count{0};
        auto folder = root.path_ / std::to_string(++count);
        std::filesystem::create_directory(folder);
        return folder;
    }

private:
    void start_caretaker() {
        // Its own session: Ctrl-C is not for it. No output: who waits for our pipes to close must not wait for it.
        std::string shell = "/bin/sh", dash_c = "-c", name = path_,
                    script = "read -r x; for i in 1 2 3 4 5; do rm -rf -- \"$0\" && exit; sleep 0.2; done";
        std::array<char*, 5> argv{shell.data(), dash_c.data(), script.data(), name.data(), nullptr};
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe2"};
        alive_ = pipe[1];
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_adddup2(&files, pipe[0], 0);
        ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        const int error = ::posix_spawn(&caretaker_, shell.c_str(), &files, &attributes, argv.data(), environ);
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&files);
        ::close(pipe[0]);
        if (error != 0) throw std::system_error{error, std::generic_category(), "posix_spawn"};
    }

    std::filesystem::path path_;
    int alive_ = -1;
    pid_t caretaker_ = -1;
};

/// A folder of one test's own, gone with the object. Its name is short: sockets may lie in it.
class TempDir {
public:
    TempDir() : path_{TempRoot::next_folder()} {}
    ~TempDir() {
        std::error_code ignored;  // a destructor does not throw; the root's end takes the rest
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};
}  // namespace fip::test
