#include "simulators/online/web.hpp"

#include "simulators/online/api.hpp"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <stdexcept>
#include <thread>

namespace fip::sim {
namespace {

constexpr std::size_t thread_count = 48;  // a kept connection occupies one

// The library has no way to drop a connection from a handler, so the socket is found by its peer.
void cut_connection(const httplib::Request& request) {
    for (int file = 3; file < 4096; ++file) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == request.remote_port) ::shutdown(file, SHUT_RDWR);
    }
}

std::map<std::string, std::string> fields_of(const httplib::Request& request) {
    std::map<std::string, std::string> fields;
    const bool is_json = request.get_header_value("Content-Type").starts_with("application/json");
    for (const auto& [name, value] : request.params) fields[name] = value;
    boost::system::error_code failure;
    const auto body = is_json ? boost::json::parse(request.body, failure) : boost::json::value{};
    if (failure || !body.is_object()) return fields;
    for (const auto& [name, value] : body.get_object()) {
        std::string text;  // null counts as empty
        if (value.is_string()) {
            text = value.get_string();
        } else if (!value.is_null()) {
            text = boost::json::serialize(value);
        }
        fields[std::string{name}] = text;
    }
    return fields;
}

WebRequest translate(const httplib::Request& request) {
    WebRequest result;
    result.method = request.method;
    result.path = request.path;
    result.fields = fields_of(request);
    result.body = request.body;
    result.authorization = request.get_header_value("Authorization");
    result.if_none_match = request.get_header_value("If-None-Match");
    result.is_pretty = request.get_header_value("X-Pretty-JSON") == "1";
    return result;
}

void translate(const WebReply& reply, const httplib::Request& request, httplib::Response& response) {
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.cut == Fault::Cut::before) {
        cut_connection(request);
    } else if (reply.cut == Fault::Cut::middle) {
        const auto half = reply.body.substr(0, reply.body.size() / 2);
        response.set_content_provider(
            reply.body.size(), reply.content_type,
            [half, request](std::size_t /*offset*/, std::size_t /*length*/, httplib::DataSink& sink) {
                sink.write(half.data(), half.size());
                cut_connection(request);
                return false;
            });
    } else if (reply.status != 304) {
        response.set_content(reply.body, reply.content_type);
    }
}

}  // namespace

// The library's queue of five connections makes clients wait for a second when a few come at once.
class PatientServer : public httplib::Server {
public:
    void widen_queue() { ::listen(svr_sock_, 1024); }
};

struct Web::Listener {
    PatientServer server;
    std::thread thread;
    int port = 0;
};

namespace {

void route(httplib::Server& server, Shared& shared) {
    const auto handle = [&shared](const httplib::Request& request, httplib::Response& response) {
        const auto translated = translate(request);
        const bool is_control = request.path.starts_with("/control/");
        translate(is_control ? answer_control(shared, translated) : answer_api(shared, translated), request, response);
    };
    const std::string all = "/.*";
    server.Get(all, handle);
    server.Post(all, handle);
    server.Put(all, handle);
    server.Patch(all, handle);
    server.Delete(all, handle);
    server.new_task_queue = [] { return new httplib::ThreadPool{thread_count}; };  // the server deletes it
    server.set_keep_alive_max_count(100000);
    server.set_keep_alive_timeout(120);
    server.set_tcp_nodelay(true);
}

}  // namespace

Web::Web(Shared& shared, const std::string& host, int port) : listener_{std::make_unique<Listener>()} {
    auto& server = listener_->server;
    route(server, shared);
    listener_->port = port;
    if (port == 0) listener_->port = server.bind_to_any_port(host);
    if (port == 0 ? listener_->port <= 0 : !server.bind_to_port(host, port)) {
        throw std::runtime_error{"cannot listen on " + host + " port " + std::to_string(port)};
    }
    server.widen_queue();
    listener_->thread = std::thread{[&server] { server.listen_after_bind(); }};
}

Web::Web(Shared& shared, const std::string& path) : listener_{std::make_unique<Listener>()} {
    auto& server = listener_->server;
    route(server, shared);
    ::unlink(path.c_str());
    server.set_address_family(AF_UNIX);
    if (!server.bind_to_port(path, 80)) throw std::runtime_error{"cannot listen on " + path};
    server.widen_queue();
    listener_->thread = std::thread{[&server] { server.listen_after_bind(); }};
}

Web::~Web() {
    // stop() does nothing on a server whose loop has not begun yet.
    while (!listener_->server.is_running()) std::this_thread::yield();
    listener_->server.stop();
    listener_->thread.join();
}

int Web::port() const {
    return listener_->port;
}

}  // namespace fip::sim
