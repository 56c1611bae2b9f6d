#include "support/pve_node.hpp"

#include "support/wait_until.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// The only child of unshare --fork: PID 1 of the namespaces.
pid_t child_of(pid_t parent) {
    const auto pid = std::to_string(parent);
    std::ifstream children{"/proc/" + pid + "/task/" + pid + "/children"};
    pid_t child = 0;
    children >> child;
    return child;
}

std::string read_all(int socket) {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto n = ::recv(socket, part.data(), part.size(), 0);
        if (n <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

std::string ask(const std::string& path, const std::string& request) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string reply;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
        ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
        ::shutdown(socket, SHUT_WR);
        reply = read_all(socket);
    }
    ::close(socket);
    if (!reply.starts_with("ok\n"))
        throw std::runtime_error{"pmxcfs: " + request.substr(0, request.find('\n')) + ": " + reply};
    return reply.substr(3);
}

}  // namespace

std::string why_no_pve_node() {
    if (::geteuid() != 0) return "a Proxmox node of the test's own needs root";
    const int fuse = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fuse < 0) return "/dev/fuse cannot be opened here";
    ::close(fuse);
    return "";
}

PveNode::PveNode() : PveNode{Options{}} {}

PveNode::PveNode(Options options) : options_{std::move(options)}, environment_{options_.environment} {
    environment_.try_emplace("PATH", "/sbin:/bin:/usr/sbin:/usr/bin");
    environment_.try_emplace("HOME", "/root");
    environment_.try_emplace("LC_ALL", "C");
    holder_ = std::make_unique<Process>(Command{
        {"unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation",
         "private", FIP_PVE_NODE_SCRIPT, options_.name, FIP_SIM_PVE_PROGRAM, options_.has_network ? "yes" : "no"}});
    const bool is_ready = wait_until([&] { return holder_->out() == "ready\n" || !holder_->is_running(); }, 20s);
    init_ = child_of(holder_->pid());
    if (!is_ready || init_ == 0) throw std::runtime_error{"the Proxmox node does not come up: " + holder_->err()};
    if (!options_.has_qemu) set_environment("FIP_SIM_PVE_NO_QEMU", "1");
    write_settings();
    if (options_.cluster != nullptr) {
        options_.cluster->control("mount " + std::to_string(init_) + ":/etc/pve=" + options_.name);
        return;
    }
    start_pmxcfs();
    write("/etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup,snippets\n");
}

PveNode::~PveNode() {
    if (options_.cluster == nullptr) return;
    try {
        options_.cluster->control("unmount " + std::to_string(init_) + ":/etc/pve");
    } catch (const std::exception&) {
        // the other's pmxcfs is down; our mount goes with our namespace
    }
}

Command PveNode::command(std::vector<std::string> argv) const {
    Command result{std::move(argv)};
    for (const auto& [name, value] : environment_) {
        if (!name.starts_with("FIP_SIM_PVE_")) result.environment[name] = value;
    }
    result.clean_environment = true;
    result.folder = "/";
    result.inside = init_;
    // execvpe() looks in our own PATH, which may lack PVE's folders.
    if (result.argv.at(0).find('/') == std::string::npos) {
        for (const auto* folder : {"/usr/sbin/", "/usr/bin/"}) {
            if (!exists(folder + result.argv[0])) continue;
            result.argv[0] = folder + result.argv[0];
            break;
        }
    }
    return result;
}

Result PveNode::run(std::vector<std::string> argv, const std::string& input, std::chrono::milliseconds limit) {
    auto made = command(std::move(argv));
    made.input = input;
    return test::run(made, limit);
}

Result PveNode::run(Command given, std::chrono::milliseconds limit) {
    auto made = command(std::move(given.argv));
    made.input = std::move(given.input);
    for (auto& [name, value] : given.environment) made.environment[name] = std::move(value);
    if (!given.folder.empty()) made.folder = std::move(given.folder);
    return test::run(made, limit);
}

Process PveNode::spawn(std::vector<std::string> argv, std::map<std::string, std::string> environment) {
    auto made = command(std::move(argv));
    for (auto& [name, value] : environment) made.environment[name] = std::move(value);
    return Process{made};
}

std::string PveNode::must(std::vector<std::string> argv) {
    std::string shown;
    for (const auto& word : argv) shown += word + " ";
    const auto result = run(std::move(argv));
    if (result.exit_code != 0) {
        throw std::runtime_error{shown + "ends with " + std::to_string(result.exit_code) + ": " + result.err +
                                 result.out};
    }
    return result.out;
}

// Overlays and memory file systems are reached through /proc; FUSE answers us too, because it allows others.
std::string PveNode::outside(const std::string& path) const {
    const auto root = "/proc/" + std::to_string(init_) + "/root";
    // An absolute link would lead out of the node.
    for (const auto* link : {"/var/lock", "/var/run"}) {
        if (path.starts_with(link))
            return root + "/run" + (path.starts_with("/var/lock") ? "/lock" : "") +
                   path.substr(std::string{link}.size());
    }
    return root + path;
}

void PveNode::write(const std::string& path, const std::string& text, bool is_executable) {
    const auto place = outside(path);
    fs::create_directories(fs::path{place}.parent_path());
    const auto part = place + ".tmp.1";
    std::ofstream file{part, std::ios::binary | std::ios::trunc};
    file << text;
    file.close();
    if (!file) throw std::runtime_error{"cannot write " + path};
    if (is_executable) fs::permissions(part, fs::perms{0755});
    fs::rename(part, place);
}

std::string PveNode::read(const std::string& path) const {
    std::ifstream file{outside(path), std::ios::binary};
    if (!file) throw std::runtime_error{"cannot read " + path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool PveNode::exists(const std::string& path) const {
    std::error_code error;
    return fs::exists(fs::symlink_status(outside(path), error));
}

std::optional<std::string> PveNode::config(int vmid) const {
    for (const auto* folder : {"/qemu-server/", "/lxc/"}) {
        const auto path = "/etc/pve/nodes/" + options_.name + folder + std::to_string(vmid) + ".conf";
        std::ifstream file{outside(path), std::ios::binary};
        if (file) return std::string{std::istreambuf_iterator<char>{file}, {}};
    }
    return std::nullopt;
}

std::string PveNode::config_value(int vmid, const std::string& key) const {
    std::istringstream lines{config(vmid).value_or("")};
    for (std::string line; std::getline(lines, line) && !line.starts_with('[');) {
        if (line.starts_with(key + ": ")) return line.substr(key.size() + 2);
    }
    return "";
}

pid_t PveNode::pid_of(int vmid) {
    const auto id = std::to_string(vmid);
    for (const auto& file : {"/run/qemu-server/" + id + ".pid", "/var/lib/lxc/" + id + "/pids"}) {
        pid_t pid = 0;
        std::ifstream{outside(file)} >> pid;
        std::ifstream command{outside("/proc/" + std::to_string(pid) + "/cmdline")};
        if (pid > 0 && command.peek() != std::ifstream::traits_type::eof()) return pid;
    }
    return 0;
}

void PveNode::power_off(int vmid) {
    const auto pid = pid_of(vmid);
    if (pid != 0) run({"/usr/bin/kill", "-TERM", std::to_string(pid)});
}

void PveNode::put_snippet(const std::string& name, const std::string& text) {
    write("/var/lib/vz/snippets/" + name, text, true);
}

void PveNode::put_snippet_program(const std::string& name, const std::string& program) {
    fs::copy_file(program, outside("/var/lib/vz/snippets/" + name), fs::copy_options::overwrite_existing);
    fs::permissions(outside("/var/lib/vz/snippets/" + name), fs::perms{0755});
}

void PveNode::set_environment(const std::string& name, const std::string& value) {
    environment_[name] = value;
    write_settings();
}

// The simulator's own switches lie in a file, and so are seen by what runs already and by what gets another
// environment.
void PveNode::write_settings() {
    std::string text;
    for (const auto& [name, value] : environment_) {
        if (name.starts_with("FIP_SIM_PVE_")) text += name + "=" + value + "\n";
    }
    write("/run/fip-sim-pve", text);
}

std::string PveNode::qmp(int vmid, const std::string& request) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    outside("/run/qemu-server/" + std::to_string(vmid) + ".qmp").copy(at.sun_path, sizeof at.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{10, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto text = "{\"execute\":\"qmp_capabilities\"}\n" + request + "\n";
    std::string reply;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
        ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
        ::shutdown(socket, SHUT_WR);
        reply = read_all(socket);
    }
    ::close(socket);
    return reply;
}

void PveNode::start_pmxcfs() {
    const auto state = dir_ / ("cluster" + std::to_string(generation_));
    Command command{{FIP_SIM_PMXCFS_PROGRAM, std::to_string(init_) + ":/etc/pve=" + options_.name, "--state", state,
                     "--control", dir_ / "control"}};
    for (const auto& node : options_.other_nodes) command.argv.insert(command.argv.end(), {"--other-node", node});
    pmxcfs_ = std::make_unique<Process>(command);
    const bool is_ready = wait_until([&] { return pmxcfs_->out() == "ready\n" || !pmxcfs_->is_running(); }, 20s);
    if (!is_ready || !pmxcfs_->is_running()) throw std::runtime_error{"pmxcfs does not start: " + pmxcfs_->err()};
}

void PveNode::pmxcfs_down() {
    if (!pmxcfs_) return;
    static_cast<void>(pmxcfs_->stop());
    pmxcfs_.reset();
}

void PveNode::pmxcfs_crash() {
    if (!pmxcfs_) return;
    pmxcfs_->kill();
    pmxcfs_.reset();
}

void PveNode::pmxcfs_up(bool is_empty) {
    pmxcfs_down();
    run({"/usr/bin/umount", "-l", "/etc/pve"});  // what a crash left; else there is nothing to unmount
    if (is_empty) ++generation_;
    start_pmxcfs();
}

std::string PveNode::control(const std::string& command, const std::string& body) {
    if (options_.cluster != nullptr) return options_.cluster->control(command, body);
    return ask(dir_ / "control", command + "\n" + body);
}

void PveNode::quorum(bool is_there) {
    control(std::string{"quorum "} + (is_there ? "on" : "off"));
}

void PveNode::read_only(bool is_read_only) {
    control(std::string{"read-only "} + (is_read_only ? "on" : "off"));
}

void PveNode::pmxcfs_hangs(bool does) {
    control(std::string{"hang "} + (does ? "on" : "off"));
}

void PveNode::other_node_puts(const std::string& path, const std::string& text) {
    control("put " + path + " " + std::to_string(text.size()), text);
}

void PveNode::other_node_renames(const std::string& from, const std::string& to) {
    control("rename " + from + " " + to);
}

void PveNode::other_node_removes(const std::string& path) {
    control("remove " + path);
}

}  // namespace fip::test
