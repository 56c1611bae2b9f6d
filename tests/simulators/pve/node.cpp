#include "simulators/pve/node.hpp"

#include "simulators/pve/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto cluster = "/etc/pve";
constexpr auto tasks = "/var/log/pve/tasks/";

// A process runs one task at most.
std::string& task_log() {
    static std::string path;
    return path;
}

void log(const std::string& text) {
    if (!task_log().empty()) std::ofstream{task_log(), std::ios::app} << text;
}

std::string hex8(unsigned long value) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%08lX", value);
    return text.data();
}

unsigned long start_ticks() {
    const auto stat = read_file("/proc/self/stat").value_or("");
    const auto fields = split(stat.substr(std::min(stat.rfind(')') + 2, stat.size())), ' ');
    return fields.size() > 19 ? std::strtoul(fields[19].c_str(), nullptr, 10) : 0;
}

// The folder of a storage of type dir; "local" is there without being written down.
std::string storage_path(const std::string& storage) {
    std::string current;
    for (const auto& line : split(read_file(std::string{cluster} + "/storage.cfg").value_or(""), '\n')) {
        if (!line.empty() && line.front() != '\t' && line.front() != ' ') {
            const auto colon = line.find(": ");
            current = colon == line.npos ? "" : trimmed(line.substr(colon + 2));
        } else if (current == storage && trimmed(line).starts_with("path ")) {
            return trimmed(trimmed(line).substr(5));
        }
    }
    return storage == "local" ? "/var/lib/vz" : "";
}

std::string lock_path(const Guest& guest) {
    return guest.kind == Kind::qemu ? "/var/lock/qemu-server/lock-" + guest.id() + ".conf"
                                    : "/run/lock/lxc/pve-config-" + guest.id() + ".lock";
}

}  // namespace

std::string node_name() {
    std::error_code none;
    const auto target = fs::read_symlink(std::string{cluster} + "/local", none);
    if (!none) return target.filename();
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return std::string{name.data()}.substr(0, std::string{name.data()}.find('.'));
}

bool is_pmxcfs_up() {
    return ::access("/etc/pve/.version", R_OK) == 0;
}

void check_quorum() {
    struct stat status {};
    const bool is_quorate = ::lstat("/etc/pve/local", &status) == 0 && (status.st_mode & 0200U) != 0;
    if (!is_quorate) throw CommandError{"cluster not ready - no quorum?\n"};
}

std::string setting(const std::string& name) {
    if (const char* text = std::getenv(name.c_str())) return text;
    for (const auto& line : split(read_file("/run/fip-sim-pve").value_or(""), '\n')) {
        if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    }
    return "";
}

int milliseconds(const std::string& name, int otherwise) {
    const auto text = setting(name);
    return text.empty() ? otherwise : std::atoi(text.c_str());
}

void pause(const std::string& name) {
    std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds(name, 0)});
}

std::string config_path(const Guest& guest, const std::string& node) {
    return std::string{cluster} + "/nodes/" + (node.empty() ? node_name() : node) + "/" + guest.folder() + "/" +
           guest.id() + ".conf";
}

bool exists(const Guest& guest, const std::string& node) {
    return fs::exists(config_path(guest, node));
}

std::string node_of(int vmid) {
    for (const auto& folder : fs::directory_iterator{std::string{cluster} + "/nodes"}) {
        for (const auto kind : {Kind::qemu, Kind::lxc}) {
            if (exists({kind, vmid}, folder.path().filename())) return folder.path().filename();
        }
    }
    return "";
}

ConfigFile load(const Guest& guest, const std::string& node) {
    const auto text = read_file(config_path(guest, node));
    if (!text) {
        throw CommandError{"Configuration file 'nodes/" + (node.empty() ? node_name() : node) + "/" + guest.folder() +
                           "/" + guest.id() + ".conf' does not exist\n"};
    }
    // PVE keeps the parsed file, and so complains of it once.
    static std::set<std::string> told;
    return parse_config(guest.kind, guest.vmid, *text, [](const std::string& what) {
        if (told.insert(what).second) warn(what + "\n");
    });
}

void save(const Guest& guest, const ConfigFile& config) {
    save_text(guest, print_config(guest.kind, config));
}

void save_text(const Guest& guest, const std::string& text) {
    write_atomically(config_path(guest), text);
    pause("FIP_SIM_PVE_STEP_MS");
}

void erase(const Guest& guest) {
    const auto path = config_path(guest);
    if (::unlink(path.c_str()) != 0) {
        throw CommandError{"failed to remove config file: " + std::string{std::strerror(errno)} + "\n"};
    }
}

void check_lock(const Guest& guest, const ConfigFile& config) {
    const auto lock = config.main.get("lock");
    if (!lock.empty()) throw CommandError{std::string{guest.word()} + " is locked (" + lock + ")\n"};
}

void write_atomically(const std::string& path, const std::string& text) {
    const auto part = path + ".tmp." + std::to_string(::getpid());
    const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    const auto fail = [&](const std::string& what) {
        const int error = errno;
        ::unlink(part.c_str());
        throw CommandError{"unable to " + what + " file '" + part + "' - " + std::strerror(error) + "\n"};
    };
    if (file < 0) fail("open");
    const auto n = ::write(file, text.data(), text.size());
    if (::close(file) != 0 || n != static_cast<ssize_t>(text.size())) fail("write");
    if (::rename(part.c_str(), path.c_str()) != 0) fail("rename");
}

std::string mac_prefix() {
    for (const auto& line : split(read_file("/etc/pve/datacenter.cfg").value_or(""), '\n')) {
        if (line.starts_with("mac_prefix:")) return trimmed(line.substr(11));
    }
    return "BC:24:11";
}

std::string hookscript_path(const std::string& volume) {
    const auto colon = volume.find(':');
    const auto storage = volume.substr(0, colon);
    const auto name = colon == volume.npos ? "" : volume.substr(colon + 1);
    if (!name.starts_with("snippets/") || name.find('/', 9) != name.npos) {
        throw CommandError{"'" + volume + "' is not in the snippets directory"};
    }
    const auto folder = storage_path(storage);
    if (folder.empty()) throw CommandError{"storage '" + storage + "' does not exist"};
    const auto path = folder + "/" + name;
    if (!fs::is_regular_file(path)) throw CommandError{"script '" + volume + "' does not exist", 2};
    if (::access(path.c_str(), X_OK) != 0) throw CommandError{"script '" + volume + "' is not executable"};
    return path;
}

GuestLock::GuestLock(const Guest& guest, int seconds, Mode mode) {
    const int how = (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    const auto path = lock_path(guest);
    fs::create_directories(fs::path{path}.parent_path());
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) throw CommandError{"can't open lock file '" + path + "'\n"};
    if (::flock(file_, how) == 0) return;
    warn("trying to acquire lock...");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
    while (std::chrono::steady_clock::now() < end) {
        if (::flock(file_, how) == 0) {
            warn(" OK\n");
            return;
        }
        std::this_thread::sleep_for(2ms);
    }
    ::close(file_);
    // facts 1.3: the CLI ends with 4 then (EINTR of the alarm).
    throw CommandError{"can't lock file '" + path + "' - got timeout\n", 4};
}

GuestLock::~GuestLock() {
    ::close(file_);
}

void say(const std::string& text) {
    std::cout << text << std::flush;
    log(text);
}

void warn(const std::string& text) {
    std::cerr << text << std::flush;
    log(text);
}

namespace {

// facts 4.2: who runs, and who has ended lately, in one file.
void write_active(const std::string& upid, const std::string& state) {
    const int lock = ::open((std::string{tasks} + ".active.lock").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ::flock(lock, LOCK_EX);
    std::ifstream old{std::string{tasks} + "active"};
    std::vector<std::string> lines{upid + " " + state};
    for (std::string line; std::getline(old, line) && lines.size() < 25;) {
        if (!line.starts_with(upid)) lines.push_back(line);
    }
    std::ofstream{std::string{tasks} + "active.tmp"} << join(lines, "\n") << "\n";
    std::error_code ignored;
    fs::rename(std::string{tasks} + "active.tmp", std::string{tasks} + "active", ignored);
    ::close(lock);
}

}  // namespace

Task::Task(const std::string& type, const std::string& id) {
    const auto now = static_cast<unsigned long>(std::time(nullptr));
    upid_ = "UPID:" + node_name() + ":" + hex8(static_cast<unsigned long>(::getpid())) + ":" + hex8(start_ticks()) +
            ":" + hex8(now) + ":" + type + ":" + id + ":root@pam:";
    const auto folder = tasks + hex8(now).substr(7);
    std::error_code ignored;  // without a place for logs there are none
    fs::create_directories(folder, ignored);
    task_log() = folder + "/" + upid_;
    write_active(upid_, "0");
}

Task::~Task() {
    log(status_ == "OK" ? "TASK OK\n" : "TASK ERROR: " + status_ + "\n");
    const auto end = hex8(static_cast<unsigned long>(std::time(nullptr))) + " " + status_;
    std::ofstream{std::string{tasks} + "index", std::ios::app} << upid_ + " " + end + "\n";
    write_active(upid_, "1 " + end);
    task_log().clear();
}

}  // namespace fip::sim::pve
