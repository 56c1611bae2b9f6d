#include "connection.hpp"

#include "ports/guest_source.hpp"

#include <libvirt/virterror.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

namespace fip::plugin {
namespace {

// Capabilities are written by libvirt itself: the host's uuid is the first one in <host>.
std::string host_uuid(virConnectPtr connect) {
    const TextHandle xml{virConnectGetCapabilities(connect)};
    if (!xml) throw GuestsUnavailable{"libvirt does not tell its capabilities: " + libvirt_problem()};
    const std::string_view text{xml.get()};
    const auto host = text.find("<host>");
    const auto begin = host == text.npos ? host : text.find("<uuid>", host);
    const auto end = begin == text.npos ? begin : text.find("</uuid>", begin);
    if (end == text.npos) throw GuestsUnavailable{"libvirt does not tell the host's uuid"};
    return std::string{text.substr(begin + 6, end - begin - 6)};
}

std::string driver_name(virConnectPtr connect) {
    const char* type = virConnectGetType(connect);
    if (type == nullptr) throw GuestsUnavailable{"libvirt does not tell the driver: " + libvirt_problem()};
    std::string name{type};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

// "qemu:///system", "qemu+unix:///system?socket=…": this host's own daemon.
bool is_local_system(std::string_view uri) {
    const auto colon = uri.find("://");
    if (colon == uri.npos) return false;
    const auto plus = uri.substr(0, colon).find('+');
    const auto transport = plus == uri.npos ? std::string_view{} : uri.substr(plus + 1, colon - plus - 1);
    const auto rest = uri.substr(colon + 3);
    return (transport.empty() || transport == "unix") &&
           (rest == "/system" || rest.starts_with("/system?") || rest == "/");
}

std::uint64_t next_number() {
    static std::uint64_t last = 0;  // only the thread that opens connections comes here
    return ++last;
}

}  // namespace

std::string libvirt_problem() {
    const char* text = virGetLastErrorMessage();
    return text == nullptr ? "no reason given" : text;
}

int libvirt_error_code() {
    return virGetLastErrorCode();
}

void Connection::open() {
    close();
    ConnectHandle fresh{virConnectOpen(uri_.c_str())};
    if (!fresh) throw GuestsUnavailable{uri_ + ": " + libvirt_problem()};
    const auto driver = driver_name(fresh.get());
    origin_ = host_uuid(fresh.get()) + "/" + driver;
    const std::filesystem::path folder = "/etc/libvirt/" + driver;
    const std::filesystem::path status = "/run/libvirt/" + driver;
    definitions_.reset();
    status_folder_.reset();
    is_local_qemu_ = is_local_system(uri_) && driver == "qemu";
    if (is_local_system(uri_) && std::filesystem::is_directory(folder)) definitions_.emplace(folder);
    if (is_local_system(uri_) && std::filesystem::is_directory(status)) status_folder_.emplace(status);
    number_ = next_number();
    handle_ = std::move(fresh);
}

bool Connection::is_alive() const noexcept {
    return handle_ != nullptr && virConnectIsAlive(handle_.get()) == 1;
}

virConnectPtr Connection::get() const {
    if (!handle_) throw GuestsUnavailable{uri_ + ": not connected"};
    return handle_.get();
}

}  // namespace fip::plugin
