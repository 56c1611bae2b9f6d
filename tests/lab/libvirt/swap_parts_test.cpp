// Parts of a late start that need no libvirt.
#include "qemu_process.hpp"
#include "starts.hpp"
#include "support/temp_dir.hpp"
#include "swap_note.hpp"
#include "tasks.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace fip;
using namespace fip::plugin;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

constexpr auto uuid = "6f1b1f5e-0000-4000-8000-000000000001";

std::optional<Task> next(Tasks& tasks) {
    return tasks.pop(std::chrono::steady_clock::now());
}

/// A /proc and a folder of pid files as libvirt and the kernel would have them for one guest.
class ProcessFiles {
public:
    ProcessFiles() {
        set_pid_file("web1", "4711\n");
        set_arguments({"qemu", "-uuid", uuid, "-device",
                       R"({"driver":"virtio-net-pci","id":"net0","mac":"52:54:00:00:00:01","addr":"0x2"})", "-append",
                       "mac=52:54:00:00:00:09"});
        write("proc/4711/stat", "4711 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 " + ticks_ago(5s) + " 1 1\n");
        write("proc/4711/task/4711/comm", "qemu-system-x86\n");
        write("proc/4711/task/4711/schedstat", "999000000 1 1\n");
        write("proc/4711/task/4712/comm", "CPU 0/KVM\n");
        write("proc/4711/task/4712/schedstat", "3000000 1 1\n");
        write("proc/4711/task/4713/comm", "CPU 1/KVM\n");
        write("proc/4711/task/4713/schedstat", "7000000 1 1\n");
    }
    void set_pid_file(const std::string& name, const std::string& text) { write("pids/" + name + ".pid", text); }
    void set_arguments(const std::vector<std::string>& arguments) {
        std::string text;
        for (const auto& one : arguments) text += one + '\0';
        write("proc/4711/cmdline", text);
    }
    void write(const std::string& name, const std::string& text) const {
        const std::filesystem::path file = dir_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
    }
    [[nodiscard]] std::optional<QemuProcess> find(const std::string& name = "web1") const {
        return find_qemu_process(name, uuid, {dir_ / "pids", dir_ / "proc"});
    }
    [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }

private:
    static std::string ticks_ago(std::chrono::seconds age) {
        timespec now{};
        ::clock_gettime(CLOCK_BOOTTIME, &now);
        return std::to_string((now.tv_sec - age.count()) * ::sysconf(_SC_CLK_TCK));
    }
    TempDir dir_;
};

}  // namespace

TEST_CASE("a guest's process tells its age, how much it ran, and the NICs that it began with", "[unit]") {
    ProcessFiles files;
    const auto process = files.find();
    REQUIRE(process);
    CHECK(process->age >= 5s);
    CHECK(process->age < 7s);
    CHECK(process->ran == 7ms);
    REQUIRE(process->nics.size() == 1);
    CHECK(process->nics.front().mac == Mac::parse("52:54:00:00:00:01"));
    CHECK_FALSE(process->is_continued);
    CHECK_FALSE(process->has_kernel);

    files.set_arguments({"qemu", "-kernel", "/k", "-uuid", uuid, "-device",
                         "e1000,netdev=h,mac=52:54:00:00:00:02,bus=p", "-incoming", "defer"});
    CHECK(files.find()->has_kernel);
    CHECK(files.find()->is_continued);
    REQUIRE(files.find()->nics.size() == 1);
    CHECK(files.find()->nics.front().mac == Mac::parse("52:54:00:00:00:02"));
    files.set_arguments({"qemu", "-uuid", uuid, "-loadvm", "before"});
    CHECK(files.find()->is_continued);
}

TEST_CASE("a process that may be another's tells nothing", "[unit]") {
    ProcessFiles files;
    CHECK_FALSE(files.find("web2"));

    SECTION("another guest's") {
        files.set_arguments({"qemu", "-uuid", "6f1b1f5e-0000-4000-8000-000000000002"});
        CHECK_FALSE(files.find());
        files.set_arguments({"qemu", "-name", uuid, "-uuid"});
        CHECK_FALSE(files.find());
    }
    SECTION("a pid file that is none") {
        for (const std::string text : {"", "x", "0", "-1", "4711 ", "99999999999", "../4711"}) {
            files.set_pid_file("web1", text);
            CHECK_FALSE(files.find());
        }
    }
    SECTION("a name that leads elsewhere") {
        files.write("outside.pid", "4711\n");
        CHECK_FALSE(files.find("../outside"));
        CHECK_FALSE(files.find("../pids/web1"));
        CHECK_FALSE(files.find(std::string{"web1\0", 5}));
        CHECK_FALSE(files.find(""));
        std::filesystem::create_symlink(files.path("outside.pid"), files.path("pids/link.pid"));
        CHECK_FALSE(files.find("link"));
        files.set_pid_file("..", "4711\n");
        CHECK(files.find(".."));
        files.set_pid_file("a\nb {x}", "4711\n");
        CHECK(files.find("a\nb {x}"));
    }
    SECTION("a kernel that does not count CPU time") {
        files.write("proc/4711/task/4713/schedstat", "");
        REQUIRE(files.find());
        CHECK_FALSE(files.find()->ran);
    }
}

TEST_CASE("what was heard of a guest's start is sharper than its process", "[unit]") {
    Starts starts;
    const Starts::TimePoint begin{1h};
    Run run;
    run.age = 10s;

    SECTION("started") {
        starts.started(uuid, Starts::Kind::booted, begin);
        starts.sharpen(uuid, run, begin + 300ms);
        CHECK(run.age == 300ms);
        CHECK_FALSE(run.is_resumed);
    }
    SECTION("continued from somewhere") {
        starts.started(uuid, Starts::Kind::continued, begin);
        starts.sharpen(uuid, run, begin + 300ms);
        CHECK(run.is_resumed);
        starts.stopped(uuid);
        Run later;
        starts.sharpen(uuid, later, begin + 400ms);
        CHECK_FALSE(later.is_resumed);
    }
    SECTION("paused from the start, it begins when it is resumed for the first time") {
        starts.started(uuid, Starts::Kind::booted, begin);
        run.is_paused = true;
        starts.sharpen(uuid, run, begin + 1s);
        starts.resumed(uuid, begin + 60s);
        starts.resumed(uuid, begin + 90s);
        Run later;
        later.age = 61s;
        starts.sharpen(uuid, later, begin + 61s);
        CHECK(later.age == 1s);
        starts.resumed(uuid, begin + 90s);  // after a pause of another kind
        Run even_later;
        even_later.age = 91s;
        starts.sharpen(uuid, even_later, begin + 91s);
        CHECK(even_later.age == 31s);
    }
    SECTION("an unknown one is as old as its process") {
        starts.resumed(uuid, begin);
        starts.sharpen(uuid, run, begin + 1s);
        CHECK(run.age == 10s);
    }
}

TEST_CASE("a swap's note is read as it was written, and nothing else is taken for one", "[unit]") {
    SwapNote note{SwapWay::reset,
                  7,
                  true,
                  12345us,
                  "net0",
                  Mac::parse("52:54:00:00:00:01"),
                  Mac::parse("52:54:00:00:00:02"),
                  "<interface a='\"\n\xC3\xBC'/>",
                  "<interface/>"};
    CHECK(read_swap_note(text_of(note)) == note);
    note.way = SwapWay::ask;
    note.is_our_pause = false;
    note.ran.reset();
    CHECK(read_swap_note(text_of(note)) == note);

    const auto text = text_of(note);
    for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(read_swap_note(text.substr(0, size)));
    CHECK_FALSE(read_swap_note(text + "x"));
    CHECK_FALSE(read_swap_note("[]"));
    CHECK_FALSE(read_swap_note(R"({"way":"reset"})"));
    CHECK_FALSE(read_swap_note(std::string(2U << 20U, ' ')));
    note.alias.clear();
    CHECK_FALSE(read_swap_note(text_of(note)));
}

TEST_CASE("a start goes before everything, but not before the end of the same guest", "[unit]") {
    Tasks tasks;
    tasks.push({Task::Kind::compare, {}, {}, 0, {}});
    tasks.push({Task::Kind::maybe_gone, "a", {}, 0, {}});
    tasks.push({Task::Kind::started, "a", {}, 0, {}});
    tasks.push({Task::Kind::started, "b", {}, 0, {}});
    tasks.push({Task::Kind::removed, "c", {}, 0, {}});

    SECTION("in order") {
        for (const auto* expected : {"b", "c", "", "a", "a"}) {
            const auto task = next(tasks);
            REQUIRE(task);
            CHECK(task->uuid == expected);
        }
        CHECK_FALSE(next(tasks));
    }
    SECTION("in the middle of something long, only what is urgent comes") {
        CHECK(tasks.pop_urgent()->uuid == "b");
        CHECK(tasks.pop_urgent()->uuid == "c");
        CHECK_FALSE(tasks.pop_urgent());
        CHECK(next(tasks)->kind == Task::Kind::compare);
    }
    SECTION("stopped, nothing comes any more") {
        tasks.stop();
        CHECK_FALSE(tasks.pop_urgent());
    }
}
