#include "core/errors.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/log.hpp"
#include "runtime/no_core_dumps.hpp"
#include "runtime/printable.hpp"
#include "runtime/provider_lock.hpp"
#include "runtime/run_main.hpp"
#include "runtime/system_clock.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <thread>

using namespace fip;
using namespace fip::runtime;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

/// What `work` writes to stderr, while stderr is a file.
std::string said_by(const std::function<void()>& work) {
    TempDir dir;
    const auto name = dir / "stderr";
    const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(file, STDERR_FILENO);
    work();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(file);
    std::ifstream in{name};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// A socket that somebody listens at and answers as told.
class Listener {
public:
    Listener(const std::string& path, std::string answer) : answer_{std::move(answer)} {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listening_, 5) != 0) {
            throw std::runtime_error{"cannot listen"};
        }
        thread_ = std::thread{[this] { serve(); }};
    }
    ~Listener() {
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(listening_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    void serve() const {
        for (;;) {
            const int client = ::accept(listening_, nullptr, nullptr);
            if (client < 0) return;
            char request = 0;
            while (::recv(client, &request, 1, 0) == 1 && request != '\n') {
            }
            (void)::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            // Until the other side has had enough of us.
            if (answer_.find('\n') == std::string::npos) (void)::recv(client, &request, 1, 0);
            ::close(client);
        }
    }

    std::string answer_;
    int listening_ = -1;
    std::thread thread_;
};

}  // namespace

TEST_CASE("somebody else's text becomes one printable line", "[process]") {
    CHECK(printable("web-1 \xC3\xA9 \xE2\x82\xAC") == "web-1 \xC3\xA9 \xE2\x82\xAC");
    CHECK(printable("a\nb\r\tc\x1B[31m\x7F") == "a\\nb\\r\\tc\\x1b[31m\\x7f");
    CHECK(printable(std::string_view{"a\0b", 3}) == "a\\x00b");
    CHECK(printable("back\\slash") == "back\\\\slash");
    CHECK(printable("\xE2\x80\xAEtxt") == "\\u{202e}txt");
    CHECK(printable("\xC2\x85") == "\\u{85}");
    for (const auto* wrong : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xC3"}) {
        const auto text = printable(wrong);
        CHECK(text.size() == 4 * std::strlen(wrong));
        CHECK(text.starts_with("\\x"));
    }
    CHECK(printable(std::string(20'000, 'x')).size() < 8'300);
    CHECK(printable("{}%s") == "{}%s");
}

TEST_CASE("a log entry is one line with the journal's priority", "[process]") {
    CHECK(said_by([] { log(Level::warning, "an-id", "two\nlines"); }) == "<4>an-id: two\\nlines\n");
    CHECK(said_by([] { log_lines(Level::error, "an-id", "two\nlines"); }) == "<3>an-id: two\n<3>an-id: lines\n");
}

TEST_CASE("log lines of several threads do not mix", "[process]") {
    const auto text = said_by([] {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([] {
                for (int n = 0; n < 200; ++n) log(Level::info, "id", std::string(300, 'x'));
            });
        }
        for (auto& thread : threads) thread.join();
    });
    const auto line = "<6>id: " + std::string(300, 'x') + "\n";
    CHECK(text.size() == 800 * line.size());
    for (std::size_t at = 0; at < text.size(); at += line.size()) REQUIRE(text.compare(at, line.size(), line) == 0);
}

TEST_CASE("what a program throws becomes its exit code, and one line for each line of the text", "[process]") {
    const auto exit_code_of = [](const std::function<int()>& body) {
        int code = -1;
        const auto said = said_by([&] { code = run_main("program", body); });
        return std::pair{code, said};
    };
    CHECK(exit_code_of([] { return 4; }) == std::pair{4, std::string{}});
    CHECK(exit_code_of([]() -> int { throw InputError{"wrong"}; }) == std::pair{2, std::string{"program: wrong\n"}});
    CHECK(exit_code_of([]() -> int { throw ProviderUnavailable{"away"}; }).first == 3);
    CHECK(exit_code_of([]() -> int { throw ProviderRefused{"no"}; }).first == 1);
    CHECK(exit_code_of([]() -> int { throw StoreBusy{"busy"}; }).first == 1);
    CHECK(exit_code_of([]() -> int { throw StoreError{"full"}; }).first == 1);
    CHECK(exit_code_of([]() -> int { throw std::runtime_error{"a\nb\x1B"}; }) ==
          std::pair{1, std::string{"program: a\nprogram: b\\x1b\n"}});
}

TEST_CASE("the clock tells this boot's id and never goes back within it", "[process]") {
    const SystemClock clock;
    const auto first = clock.now();
    const auto second = clock.now();
    CHECK(first.boot_id.size() == 36);
    CHECK(second.boot >= first.boot);
    CHECK(first.wall.time_since_epoch() > 1'600'000'000s);
}

TEST_CASE("a provider's lock is held by one thread or process at a time, and ends with its holder", "[process]") {
    TempDir dir;
    FileProviderLock lock{dir.path()};

    SECTION("threads") {
        std::atomic<int> inside{0};
        std::atomic<bool> was_shared{false};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                FileProviderLock own{dir.path()};
                for (int n = 0; n < 100; ++n) {
                    const auto held = own.hold("dedibox");
                    if (++inside != 1) was_shared = true;
                    --inside;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        CHECK_FALSE(was_shared);
    }
    SECTION("a process that is killed") {
        int ready[2];
        REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto held = lock.hold("dedibox");
            (void)!::write(ready[1], "x", 1);
            for (;;) ::pause();
        }
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        std::atomic<bool> has_it{false};
        std::thread waiting{[&] {
            const auto held = lock.hold("dedibox");
            has_it = true;
        }};
        const auto other = lock.hold("another");  // of another provider: not in the way
        CHECK_FALSE(has_it);
        ::kill(child, SIGKILL);
        waiting.join();
        CHECK(has_it);
        ::waitpid(child, nullptr, 0);
        for (const int end : ready) ::close(end);
    }
    SECTION("without the folder it says so") {
        FileProviderLock nowhere{dir / "missing"};
        CHECK_THROWS_AS(nowhere.hold("dedibox"), StoreError);
    }
}

TEST_CASE("asking a daemon takes no longer than allowed, whoever answers", "[process]") {
    TempDir dir;
    const auto socket = dir / "s";
    const auto begin = std::chrono::steady_clock::now();
    SECTION("nobody is there") {
        CHECK_FALSE(ask(socket, "ping", 200ms));
    }
    SECTION("a socket that nobody serves any more") {
        { const Listener gone{socket, "ok\n"}; }
        CHECK_FALSE(ask(socket, "ping", 200ms));
    }
    SECTION("an answer") {
        const Listener daemon{socket, "ok there\nmore"};
        CHECK(ask(socket, "ping", 2s) == "ok there");
    }
    SECTION("half an answer") {
        const Listener daemon{socket, "ok"};
        CHECK_FALSE(ask(socket, "ping", 200ms));
    }
    SECTION("an endless answer") {
        const Listener daemon{socket, std::string(5000, 'x')};
        CHECK_FALSE(ask(socket, "ping", 200ms));
    }
    SECTION("a name that is too long for a socket") {
        CHECK_FALSE(ask(dir / std::string(200, 'x'), "ping", 200ms));
    }
    CHECK(std::chrono::steady_clock::now() - begin < 1s);
}

TEST_CASE("a program that holds a secret leaves no core file", "[process]") {
    const pid_t child = ::fork();
    if (child == 0) {
        forbid_core_dumps();
        rlimit limit{};
        ::getrlimit(RLIMIT_CORE, &limit);
        ::_exit(::prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_max == 0 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}
