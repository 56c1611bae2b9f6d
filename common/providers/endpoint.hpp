#pragma once

#include <string>
#include <string_view>

namespace fip::providers {

/// The base URL of an API, without a final slash.
/// @throws InputError  not https, nor http to a loopback address or `localhost`; or with user, query or fragment
[[nodiscard]] std::string check_endpoint(std::string_view url);

}  // namespace fip::providers
