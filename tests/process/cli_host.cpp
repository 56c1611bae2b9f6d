#include "cli_host.hpp"

#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace fip::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// What the tests run writes the guard, and must not find the machine's bridges and rules. Once per program: simulators
// that it starts are reached over its loopback.
void leave_network() {
    static const bool has_left = [] {
        if (::unshare(CLONE_NEWNET) != 0) {
            throw std::system_error{errno, std::generic_category(), "unshare (these tests need root)"};
        }
        return test::run({.argv = {"ip", "link", "set", "lo", "up"}}).exit_code == 0;
    }();
    if (!has_left) throw std::runtime_error{"no loopback"};
}

}  // namespace

CliHost::CliHost() {
    leave_network();
    for (const auto* folder : {"etc", "lib", "run", "programs"}) fs::create_directory(dir_ / folder);
    fs::permissions(dir_ / "lib", fs::perms::owner_all);
}

void CliHost::configure(const std::string& text) const {
    write_file(path("etc/config.toml"), text);
}

void CliHost::boot(const std::string& id) const {
    write_file(path("boot-id"), id + "\n");
}

std::string CliHost::bring(const std::string& program) const {
    const auto place = path("programs/" + program);
    fs::copy_file(std::string{FIP_BIN_DIR} + "/" + program, place, fs::copy_options::overwrite_existing);
    return place;
}

void CliHost::put_beside(const std::string& name, const std::string& script) const {
    write_file(path("programs/" + name), script);
    fs::permissions(path("programs/" + name), fs::perms::owner_all);
}

Command CliHost::command(std::vector<std::string> argv, const std::string& input) const {
    Command command;
    command.argv = {FIP_CLI_HOST, dir_.path().string()};
    if (argv.front().find('/') == std::string::npos) argv.front() = std::string{FIP_BIN_DIR} + "/" + argv.front();
    command.argv.insert(command.argv.end(), argv.begin(), argv.end());
    command.input = input;
    command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}, {"LC_ALL", "C"}};
    command.clean_environment = true;  // as libvirt starts its hooks
    command.folder = "/";
    return command;
}

Result CliHost::run(std::vector<std::string> argv, const std::string& input) const {
    return test::run(command(std::move(argv), input));
}

Process CliHost::start(std::vector<std::string> argv, const std::string& input) const {
    return Process{command(std::move(argv), input)};
}

store::SqliteLeaseStore CliHost::store() const {
    return {store_file(), 5s, store::Access::create};
}

void CliHost::put(const Lease& lease) const {
    store().write([&](Rows& rows) { rows.leases.put(lease); });
}

std::optional<Lease> CliHost::find(const std::string& address) const {
    std::optional<Lease> lease;
    store().read([&](const Rows& rows) { lease = rows.leases.find(Address::parse(address)); });
    return lease;
}

std::string manual_config(const std::string& more_of_pool) {
    return R"([providers.hand]
type = "manual"
server = "hv1"
addresses = ["203.0.113.0/29"]

[pools.public]
provider = "hand"
bridges = ["br0"]
)" + more_of_pool;
}

std::string online_config() {
    return R"([providers.dedibox]
type = "online"
endpoint = "http://127.0.0.1:9"
token_file = "/etc/failover-ip/dedibox.token"
server = "192.0.2.10"

[pools.public]
provider = "dedibox"
bridges = ["br0"]
)";
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << text;
    file.close();
    if (!file) throw std::runtime_error{"cannot write " + path};
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw std::runtime_error{"cannot read " + path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace fip::test
