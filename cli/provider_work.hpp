#pragma once

#include "app/settle.hpp"
#include "core/address.hpp"
#include "core/settings.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fip::cli {

/// How one provider came out of it.
struct ProviderResult {
    std::string provider;
    std::string problem;  ///< Empty: all is well.
    bool is_unavailable = false;
    bool is_refused = false;
    std::vector<std::string> open;  ///< Addresses that are still on their way when the time was over.
};

/// Says what happens while it happens; for people.
using Progress = std::function<void(const std::string&)>;

/// Read the providers and do what is due, once. `provider` empty: all of them.
/// @throws InputError  no such provider, or its token cannot be used
[[nodiscard]] std::vector<ProviderResult> sync_providers(const Settings& settings, const std::string& provider,
                                                         std::chrono::milliseconds limit, const Progress& progress);

/// Work on until none of the addresses is pending or on its way back, or the time is over.
[[nodiscard]] std::vector<ProviderResult> settle_addresses(const Settings& settings,
                                                           const std::vector<Address>& addresses,
                                                           std::chrono::milliseconds limit, const Progress& progress);

}  // namespace fip::cli
