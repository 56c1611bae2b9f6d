#pragma once

#include "store/sqlite_lease_store.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fip::test {

/// A host as the hook and the command line see it: its own /etc, /var/lib and /run/failover-ip, and its own boot id.
/// Nothing of the real ones is touched; the test program itself leaves the machine's network. Needs root.
class CliHost {
public:
    CliHost();

    void configure(const std::string& text) const;
    void boot(const std::string& id) const;  ///< From now on this is the boot.
    /// Bring a program into a folder of this host, so that helpers may be put beside it; returns where.
    [[nodiscard]] std::string bring(const std::string& program) const;
    void put_beside(const std::string& name, const std::string& script) const;  ///< Into the same folder; executable.

    /// Run a program of ours ("failover-ip ...") or, with a slash, any program.
    [[nodiscard]] Result run(std::vector<std::string> argv, const std::string& input = "") const;
    [[nodiscard]] Process start(std::vector<std::string> argv, const std::string& input = "") const;

    [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }  ///< "etc/config.toml"
    [[nodiscard]] std::string store_file() const { return dir_ / "lib/leases.db"; }
    [[nodiscard]] store::SqliteLeaseStore store() const;
    void put(const Lease& lease) const;
    [[nodiscard]] std::optional<Lease> find(const std::string& address) const;

private:
    [[nodiscard]] Command command(std::vector<std::string> argv, const std::string& input) const;
    TempDir dir_;
};

/// A configuration with the pool "public" on br0, of the provider "hand" without an API: 203.0.113.0 to .7.
[[nodiscard]] std::string manual_config(const std::string& more_of_pool = "");
/// The same with a provider that has an API, which is not there.
[[nodiscard]] std::string online_config();

void write_file(const std::string& path, const std::string& text);
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace fip::test
