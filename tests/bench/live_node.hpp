#pragma once

#include "counts.hpp"
#include "plan.hpp"
#include "simulators/online/client.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/process.hpp"
#include "support/pve_node.hpp"
#include "support/temp_dir.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fip::bench {

/// A throw-away Proxmox VE node with a simulated provider and our watcher. Needs FUSE.
///
/// @throws std::runtime_error  also from the constructor, where there is no FUSE
class LiveNode {
public:
    struct Options {
        std::size_t addresses = 32;
        std::string pool{};  ///< More lines for the pool.
        std::string interval = "60s";
    };

    LiveNode(const Plan& plan, const Options& options);

    [[nodiscard]] test::PveNode& node() { return *node_; }
    [[nodiscard]] pid_t watcher_pid() const { return watcher_->pid(); }
    [[nodiscard]] Counts counts() const;

    /// @throws std::runtime_error  it did not come to that; quotes the watcher's last words
    void await(std::string_view what, const std::function<bool()>& is_there, std::chrono::milliseconds limit);
    /// Nobody has written a config for so long.
    void await_rest(std::chrono::milliseconds quiet, std::chrono::milliseconds limit);

private:
    void configure(const Options& options);
    [[noreturn]] void fail(std::string_view what);
    [[nodiscard]] std::string store_file() const { return folder_ / "store/leases.db"; }

    test::TempDir folder_;
    std::unique_ptr<test::PveNode> node_;
    std::unique_ptr<test::OnlineSimulator> provider_;
    std::unique_ptr<store::SqliteLeaseStore> store_;
    std::optional<test::Process> watcher_;
};

}  // namespace fip::bench
