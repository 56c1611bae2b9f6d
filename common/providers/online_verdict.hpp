#pragma once

#include "core/provider_facts.hpp"
#include "providers/http.hpp"
#include "providers/token.hpp"

#include <string>
#include <string_view>

namespace fip::providers::online {

/// What a write must answer to count as done.
enum class Wish { flag, mac };

/// The API's verdict on a write.
/// @throws ProviderUnavailable, ProviderRefused  as FailoverApi says; what() begins with `call`
[[nodiscard]] Answer judge_write(const HttpReply& reply, Wish wish, std::string_view call, const Token& token);

enum class Found { yes, no };

/// Whether a read brought what was asked for. `no`: there is no such object, or not for us.
/// @throws ProviderUnavailable, ProviderRefused
[[nodiscard]] Found judge_read(const HttpReply& reply, std::string_view call, const Token& token);

}  // namespace fip::providers::online
