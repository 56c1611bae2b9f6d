#pragma once

#include "app/context.hpp"
#include "app/settle.hpp"
#include "providers/open.hpp"
#include "runtime/system_clock.hpp"
#include "store/sqlite_lease_store.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace fip::daemon {

/// One accepted configuration, and what follows from it. Never changes; a reload makes another one.
struct Setup {
    Settings settings;
    std::map<std::string, ProviderTraits> traits;
};

/// Everything that a configuration can be wrong about is found here, tokens included; no network is touched.
/// @throws InputError
[[nodiscard]] std::shared_ptr<const Setup> load_setup(const std::filesystem::path& file);

/// What one thread works with: objects that threads may not share.
class Workplace {
public:
    /// @throws StoreBusy StoreError
    explicit Workplace(const std::shared_ptr<const Setup>& setup, store::Access access = store::Access::create);
    Workplace(std::shared_ptr<const Setup> setup, const std::filesystem::path& store_file, store::Access access);

    [[nodiscard]] const Setup& setup() const { return *setup_; }
    [[nodiscard]] Context context();

private:
    std::shared_ptr<const Setup> setup_;
    store::SqliteLeaseStore store_;
    runtime::SystemClock clock_;
};

/// One provider, opened for one thread.
class OpenProvider {
public:
    /// @throws InputError
    OpenProvider(const Setup& setup, const std::string& name, const std::string& server_key);

    [[nodiscard]] const ProviderAccess& access() const { return access_; }
    [[nodiscard]] std::string server_key() const;

private:
    providers::Provider provider_;
    ProviderAccess access_;
};

}  // namespace fip::daemon
