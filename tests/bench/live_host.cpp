#include "live_host.hpp"

#include "core/errors.hpp"
#include "support/wait_until.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto token_file = "/etc/failover-ip/dedibox.token";
constexpr auto store_file = "/var/lib/failover-ip/leases.db";

}  // namespace

LiveHost::LiveHost(const Plan& plan, const Options& options) {
    provider_ = std::make_unique<test::OnlineSimulator>(test::OnlineSimulator::Options{
        .folder = folder_.path().string(), .addresses = routed_here(options.addresses), .inside = host_.init_pid()});
    provider_->set({{"busy_ms", 0}});
    configure(options);
    if (options.has_hook) install_hook(plan);
    host_.restart_libvirtd();  // it looks for hooks when it starts, and reads its configuration
    daemon_ = std::make_unique<test::Process>(host_.spawn({plan.program("failover-ip-libvirt")}));
    // A guest that is defined earlier was there before the daemon, and waits for a person.
    const auto is_listening = [&] { return daemon_->err().find("libvirt-connected: ") != std::string::npos; };
    const auto is_up = [&] { return is_listening() && has_store(); };
    static_cast<void>(test::wait_until([&] { return is_up() || !daemon_->is_running(); }, 20s));
    if (!store_) fail("the daemon does not come up");
    libvirt_ = std::make_unique<LibvirtClient>(host_.uri());
}

void LiveHost::install_hook(const Plan& plan) const {
    const fs::path hooks = host_.path("/etc/libvirt/hooks/qemu.d");
    fs::create_directories(hooks);
    fs::copy_file(plan.program("failover-ip-hook"), hooks / "50-failover-ip");
}

void LiveHost::configure(const Options& options) const {
    // By itself libvirtd asks every silent client after 5 s whether it is alive; here only our own wake-ups count.
    std::ofstream{host_.path("/etc/libvirt/libvirtd.conf"), std::ios::app} << "keepalive_interval = -1\n";
    host_.write(token_file, provider_->token(), 0600);
    host_.write("/etc/failover-ip/config.toml",
                fmt::format("[providers.dedibox]\ntype = \"online\"\nendpoint = \"{}\"\ntoken_file = \"{}\"\n"
                            "server = \"192.0.2.10\"\n\n"
                            "[pools.public]\nprovider = \"dedibox\"\nbridges = [\"br0\"]\ncooldown = \"0s\"\n{}\n\n"
                            "[reconcile]\ninterval = \"{}\"\n",
                            provider_->endpoint(), token_file, options.pool, options.interval));
}

bool LiveHost::has_store() {
    try {
        store_ = std::make_unique<store::SqliteLeaseStore>(host_.path(store_file), 5s, store::Access::read_only);
    } catch (const StoreError&) {
        return false;  // the daemon has not come to make it, or its tables
    }
    return true;
}

Counts LiveHost::counts() {
    Counts counts;
    store_->read([&](const Rows& rows) { counts = counts_of(rows.leases.all("dedibox")); });
    return counts;
}

void LiveHost::await(std::string_view what, const std::function<bool(const Counts&)>& is_there,
                     std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!is_there(counts())) {
        if (!daemon_->is_running()) fail("the daemon has ended");
        if (std::chrono::steady_clock::now() > end) fail(what);
        libvirt_->listen(10ms);
    }
}

void LiveHost::fail(std::string_view what) {
    constexpr std::size_t enough = 1500;
    const auto said = daemon_->err();
    std::string state;
    if (const auto ended = daemon_->wait(0ms)) state = fmt::format(" (ended with {})", ended->exit_code);
    if (store_) state += " (" + text_of(counts()) + ")";
    throw std::runtime_error{fmt::format("{}{}; the daemon said: {}", what, state,
                                         said.size() > enough ? said.substr(said.size() - enough) : said)};
}

}  // namespace fip::bench
