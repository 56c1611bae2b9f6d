#include "daemon/setup.hpp"

#include "config/load.hpp"
#include "config/token.hpp"
#include "core/errors.hpp"
#include "providers/traits.hpp"

#include <unistd.h>

#include <array>
#include <random>

namespace fip::daemon {
namespace {

constexpr std::chrono::seconds busy_wait{5};

std::string own_host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

std::uint64_t random_bits() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

providers::Provider open_with_token(const Setup& setup, const std::string& name, const std::string& server_key) {
    const auto& settings = setup.settings.providers.at(name);
    providers::OpenContext context;
    context.server_key = server_key;
    if (setup.traits.at(name).has_api) context.token = config::read_token(settings).reveal();
    return providers::open(settings, std::move(context));
}

}  // namespace

std::shared_ptr<const Setup> load_setup(const std::filesystem::path& file) {
    auto setup = std::make_shared<Setup>();
    setup->settings = config::load(file);
    if (setup->settings.host_name.empty()) setup->settings.host_name = own_host_name();
    std::string mistakes;
    for (const auto& [name, provider] : setup->settings.providers) {
        try {
            setup->traits[name] = providers::traits_of(provider.type);
            (void)open_with_token(*setup, name, {});
        } catch (const InputError& wrong) {
            mistakes += (mistakes.empty() ? "" : "\n") + std::string{"provider "} + name + ": " + wrong.what();
        }
    }
    if (!mistakes.empty()) throw InputError{mistakes};
    return setup;
}

Workplace::Workplace(const std::shared_ptr<const Setup>& setup, store::Access access)
    : Workplace{setup, setup->settings.store_file, access} {}

Workplace::Workplace(std::shared_ptr<const Setup> setup, const std::filesystem::path& store_file, store::Access access)
    : setup_{std::move(setup)}, store_{store_file, busy_wait, access} {}

Context Workplace::context() {
    return {setup_->settings, setup_->traits, store_, clock_, random_bits};
}

OpenProvider::OpenProvider(const Setup& setup, const std::string& name, const std::string& server_key)
    : provider_{open_with_token(setup, name, server_key)},
      access_{name, provider_.api.get(), provider_.rdns.get(), [this] { return provider_.fixed; }} {}

std::string OpenProvider::server_key() const {
    return provider_.server_key();
}

}  // namespace fip::daemon
