#pragma once

#include "counts.hpp"
#include "lab/lab_host.hpp"
#include "libvirt_client.hpp"
#include "plan.hpp"
#include "simulators/online/client.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fip::bench {

/// A throw-away host with a real libvirtd, a simulated provider, our daemon and our hook. Its bridges are br0, which is
/// managed, and br1, which nobody manages.
class LiveHost {
public:
    struct Options {
        std::size_t addresses = 32;
        std::string pool{};  ///< More lines for the pool.
        std::string interval = "60s";
        bool has_hook = true;
    };

    LiveHost(const Plan& plan, const Options& options);

    [[nodiscard]] LibvirtClient& libvirt() { return *libvirt_; }
    [[nodiscard]] test::OnlineSimulator& provider() { return *provider_; }
    [[nodiscard]] pid_t daemon_pid() const { return daemon_->pid(); }

    [[nodiscard]] Counts counts();
    /// @throws std::runtime_error  it did not come to that; quotes the daemon's last words
    void await(std::string_view what, const std::function<bool(const Counts&)>& is_there,
               std::chrono::milliseconds limit);

private:
    void configure(const Options& options) const;
    void install_hook(const Plan& plan) const;
    bool has_store();
    [[noreturn]] void fail(std::string_view what);

    test::TempDir folder_;
    test::LabHost host_{test::LabHost::Options{.bridges = {"br0", "br1"}}};
    std::unique_ptr<test::OnlineSimulator> provider_;
    std::unique_ptr<test::Process> daemon_;
    std::unique_ptr<store::SqliteLeaseStore> store_;
    std::unique_ptr<LibvirtClient> libvirt_;
};

}  // namespace fip::bench
