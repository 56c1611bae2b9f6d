#pragma once

#include "core/provider_facts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fip::providers {

/// The values that `type` may have in the configuration.
[[nodiscard]] const std::vector<std::string>& known_types();

/// What a provider of that type can do.
/// @throws InputError  no such type; what() names the known ones
[[nodiscard]] ProviderTraits traits_of(std::string_view type);

/// The provider's public API, used where the configuration names none; empty for a type without an API.
/// @throws InputError  no such type
[[nodiscard]] std::string default_endpoint(std::string_view type);

}  // namespace fip::providers
