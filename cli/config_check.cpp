#include "config_check.hpp"

#include "config/load.hpp"
#include "config/token.hpp"
#include "core/errors.hpp"
#include "providers/traits.hpp"
#include "render.hpp"

namespace fip::cli {
namespace {

// Daemons get their tokens from systemd, which a person's shell has not: then only the file can be looked at.
std::string token_problem(const ProviderSettings& provider) {
    if (!providers::traits_of(provider.type).has_api || provider.token_file.empty()) return "";
    try {
        static_cast<void>(config::read_token(provider));
        return "";
    } catch (const InputError& e) {
        return e.what();
    }
}

}  // namespace

int check_config(const std::filesystem::path& file) {
    const auto settings = config::load(file);
    int exit_code = 0;
    for (const auto& [name, provider] : settings.providers) {
        const auto problem = token_problem(provider);
        if (problem.empty()) continue;
        complain(shown(problem, 600));
        exit_code = 2;
    }
    if (exit_code == 0) print("ok\n");
    return exit_code;
}

}  // namespace fip::cli
