#include "live_node.hpp"

#include "core/errors.hpp"
#include "support/wait_until.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto token_file = "/etc/failover-ip/dedibox.token";

std::unique_ptr<test::PveNode> make_node() {
    if (const auto why = test::why_no_pve_node(); !why.empty()) throw std::runtime_error{why};
    auto node = std::make_unique<test::PveNode>();
    node->must({"rm", "-f", "/usr/sbin/libvirtd", "/usr/sbin/virtqemud"});  // a node has none
    return node;
}

}  // namespace

LiveNode::LiveNode(const Plan& plan, const Options& options) : node_{make_node()} {
    provider_ = std::make_unique<test::OnlineSimulator>(
        test::OnlineSimulator::Options{.folder = folder_.path().string(),
                                       .addresses = routed_here(options.addresses),
                                       .inside = node_->pid(),
                                       .server_macs = {{11111, "52:54:00:00:00:01"}}});
    provider_->set({{"busy_ms", 0}});
    configure(options);
    watcher_.emplace(node_->spawn({plan.program("failover-ip-proxmox"), "watch"}));
    // A guest that is there earlier waits for a person.
    await(
        "the watcher does not come up",
        [&] { return watcher_->err().find("pmxcfs-watched: ") != std::string::npos && fs::exists(store_file()); }, 20s);
    store_ = std::make_unique<store::SqliteLeaseStore>(store_file(), 5s, store::Access::read_only);
}

void LiveNode::configure(const Options& options) {
    // Not in the node's own /var/lib: SQLite would follow /proc/PID/root out of the node.
    fs::create_directory(folder_ / "store");
    fs::permissions(folder_ / "store", fs::perms::owner_all);
    node_->write(token_file, provider_->token());
    fs::permissions(node_->outside(token_file), fs::perms::owner_read | fs::perms::owner_write);
    node_->write("/etc/failover-ip/config.toml",
                 fmt::format("[store]\nurl = \"sqlite:{}\"\n\n"
                             "[providers.dedibox]\ntype = \"online\"\nendpoint = \"{}\"\ntoken_file = \"{}\"\n"
                             "server = \"192.0.2.10\"\n\n"
                             "[pools.public]\nprovider = \"dedibox\"\nbridges = [\"vmbr0\"]\ncooldown = \"0s\"\n{}\n\n"
                             "[reconcile]\ninterval = \"{}\"\n",
                             store_file(), provider_->endpoint(), token_file, options.pool, options.interval));
}

Counts LiveNode::counts() const {
    Counts counts;
    store_->read([&](const Rows& rows) { counts = counts_of(rows.leases.all("dedibox")); });
    return counts;
}

void LiveNode::await(std::string_view what, const std::function<bool()>& is_there, std::chrono::milliseconds limit) {
    const bool came = test::wait_until([&] { return is_there() || !watcher_->is_running(); }, limit);
    if (!watcher_->is_running()) fail("the watcher has ended");
    if (!came) fail(what);
}

void LiveNode::await_rest(std::chrono::milliseconds quiet, std::chrono::milliseconds limit) {
    using Clock = std::chrono::steady_clock;
    std::string last;
    auto since = Clock::now();
    const auto is_quiet = [&] {
        if (auto now = node_->read("/etc/pve/.version"); now != last) {
            last = std::move(now);
            since = Clock::now();
        }
        return Clock::now() - since >= quiet;
    };
    await("configs are still being written", is_quiet, limit);
}

void LiveNode::fail(std::string_view what) {
    constexpr std::size_t enough = 1500;
    const auto said = watcher_->err();
    throw std::runtime_error{fmt::format("{} ({}); the watcher said: {}", what, store_ ? text_of(counts()) : "no store",
                                         said.size() > enough ? said.substr(said.size() - enough) : said)};
}

}  // namespace fip::bench
