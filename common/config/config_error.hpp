#pragma once

#include "core/errors.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fip::config {

struct Mistake {
    int line = 0;      ///< From 1; 0: the file as a whole.
    std::string key;   ///< "pools.public.warm"; empty for a syntax error.
    std::string text;  ///< What is wrong and what was expected.
    friend bool operator==(const Mistake&, const Mistake&) = default;
};

/// Everything that is wrong with a configuration file. what() has one line per mistake, the first 200 of them:
/// `FILE:LINE: pools.public.waarm: unknown key; did you mean "warm"?`
class ConfigError : public InputError {
public:
    ConfigError(std::string_view file, std::vector<Mistake> mistakes);
    [[nodiscard]] const std::vector<Mistake>& mistakes() const noexcept { return mistakes_; }  ///< In line order.

private:
    std::vector<Mistake> mistakes_;
};

}  // namespace fip::config
