#pragma once

#include "app/context.hpp"
#include "core/settings.hpp"
#include "runtime/system_clock.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace fip::cli {

/// Whether something is shown as a table for people or as JSON for programs.
enum class Form { people, json };

/// Whether a command does what it says, or only says what it would do.
enum class Mode { act, dry_run };

/// What every command works with: the configuration, and the store, opened when it is first asked for.
class Workplace {
public:
    /// @throws InputError  the configuration; what() holds all mistakes
    explicit Workplace(std::filesystem::path config);
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    [[nodiscard]] const std::filesystem::path& config() const { return config_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const ProviderTraits& traits(const std::string& provider) const { return traits_.at(provider); }

    [[nodiscard]] bool has_store() const;
    /// Mode::act makes the store where there is none; in Mode::dry_run whatever is written is rolled back.
    /// @throws StoreError  there is none, it is unreadable, ...
    [[nodiscard]] Context context(Mode mode);

private:
    std::filesystem::path config_;
    Settings settings_;
    std::map<std::string, ProviderTraits> traits_;
    runtime::SystemClock clock_;
    std::unique_ptr<LeaseStore> store_;
    std::unique_ptr<LeaseStore> undone_;
};

}  // namespace fip::cli
