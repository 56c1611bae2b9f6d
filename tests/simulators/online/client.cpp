#include "simulators/online/client.hpp"

#include "support/wait_until.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fip::test {
namespace {

namespace json = boost::json;

constexpr auto start_limit = std::chrono::seconds{20};

json::value parse(const std::string& body) {
    boost::system::error_code failure;
    auto value = json::parse(body, failure);
    if (failure) throw std::runtime_error{"the simulator's control endpoint answers no JSON: " + body};
    return value;
}

std::string checked(const httplib::Result& result, const std::string& path) {
    if (!result) throw std::runtime_error{path + ": " + httplib::to_string(result.error())};
    if (result->status != 200) throw std::runtime_error{path + ": " + result->body};
    return result->body;
}

// A connection per call: control is rare, and the program may be killed in between.
httplib::Client connect(const std::string& folder) {
    httplib::Client client{folder + "/control", 80};
    client.set_address_family(AF_UNIX);
    client.set_read_timeout(std::chrono::seconds{30});
    return client;
}

}  // namespace

OnlineSimulator::OnlineSimulator(Options options) : options_{std::move(options)} {
    start(0);
}

OnlineSimulator::~OnlineSimulator() = default;

void OnlineSimulator::start(int port) {
    const auto port_file = options_.folder + "/port";
    std::filesystem::remove(port_file);
    Command command;
    command.argv = {online_simulator_program(),
                    "--listen",
                    options_.listen,
                    "--port",
                    std::to_string(port),
                    "--port-file",
                    port_file,
                    "--control-socket",
                    options_.folder + "/control",
                    "--state",
                    options_.folder + "/account.json",
                    "--token",
                    options_.token,
                    "--seed",
                    std::to_string(options_.seed),
                    "--busy-seconds",
                    fmt::format("{}", options_.busy_seconds)};
    for (const auto& [id, address] : options_.servers) {
        const auto mac = options_.server_macs.find(id);
        const auto tail = mac == options_.server_macs.end() ? std::string{} : "," + mac->second;
        command.argv.insert(command.argv.end(), {"--server", fmt::format("{}={}{}", id, address, tail)});
    }
    for (const auto& [address, id] : options_.addresses) {
        command.argv.insert(command.argv.end(), {"--address", id == 0 ? address : fmt::format("{}={}", address, id)});
    }
    command.inside = options_.inside;
    process_ = std::make_unique<Process>(command);
    const bool is_ready = wait_until(
        [&] {
            if (!process_->is_running()) return true;
            return static_cast<bool>(std::ifstream{port_file} >> port_);
        },
        start_limit);
    if (!is_ready || !process_->is_running())
        throw std::runtime_error{"the simulator did not start: " + process_->err()};
}

std::string OnlineSimulator::endpoint() const {
    return fmt::format("http://{}:{}/api/v1", options_.listen, port_);
}

json::value OnlineSimulator::get(const std::string& path) const {
    return parse(checked(connect(options_.folder).Get("/control/" + path), path));
}

void OnlineSimulator::send(const std::string& method, const std::string& path, const json::value& body) const {
    httplib::Request request;
    request.method = method;
    request.path = "/control/" + path;
    request.body = json::serialize(body);
    request.set_header("Content-Type", "text/plain");
    checked(connect(options_.folder).send(request), path);
}

void OnlineSimulator::set(const json::object& switches) {
    send("PATCH", "switches", switches);
}

void OnlineSimulator::fail(const json::object& fault) {
    send("POST", "faults", fault);
}

void OnlineSimulator::clear_faults() {
    send("DELETE", "faults", nullptr);
}

void OnlineSimulator::edit(const std::string& address, const json::object& fields) {
    send("PUT", "address/" + address, fields);
}

void OnlineSimulator::remove(const std::string& address) {
    send("DELETE", "address/" + address, nullptr);
}

void OnlineSimulator::add_forward(const std::string& name, const std::string& address) {
    json::array records;
    records.push_back(json::string{address});
    send("PATCH", "forward", json::object{{name, std::move(records)}});
}

void OnlineSimulator::put_state(const json::object& state) {
    send("PUT", "state", state);
}

json::object OnlineSimulator::state() const {
    return get("state").as_object();
}

std::optional<OnlineSimulator::Entry> OnlineSimulator::find(const std::string& address) const {
    const auto state_now = state();
    const auto* found = state_now.at("addresses").as_object().if_contains(address);
    if (found == nullptr) return std::nullopt;
    Entry entry;
    if (const auto* server = found->at("server").if_int64()) entry.server = *server;
    if (const auto* mac = found->at("mac").if_string()) entry.mac = *mac;
    if (const auto* reverse = found->at("reverse").if_string()) entry.reverse = *reverse;
    return entry;
}

json::array OnlineSimulator::log() const {
    return get("log").as_array();
}

void OnlineSimulator::clear_log() {
    send("DELETE", "log", nullptr);
}

std::int64_t OnlineSimulator::reads() const {
    return get("counters").at("reads").as_int64();
}

std::int64_t OnlineSimulator::writes() const {
    return get("counters").at("writes").as_int64();
}

std::int64_t OnlineSimulator::effects() const {
    return get("counters").at("effects").as_int64();
}

std::int64_t OnlineSimulator::requests(const std::string& endpoint) const {
    const auto counters = get("counters");
    const auto* found = counters.at("endpoints").as_object().if_contains(endpoint);
    return found == nullptr ? 0 : found->at("requests").as_int64();
}

void OnlineSimulator::clear_counters() {
    send("DELETE", "counters", nullptr);
}

void OnlineSimulator::kill() {
    process_->kill();
}

void OnlineSimulator::restart() {
    process_->stop();
    start(port_);
}

std::string online_simulator_program() {
    return FIP_SIM_ONLINE_PROGRAM;
}

}  // namespace fip::test
