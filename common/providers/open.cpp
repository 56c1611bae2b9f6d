#include "providers/open.hpp"

#include "core/errors.hpp"
#include "providers/curl_http.hpp"
#include "providers/manual.hpp"
#include "providers/online.hpp"
#include "providers/token.hpp"
#include "providers/traits.hpp"

#include <string_view>
#include <utility>

namespace fip::providers {
namespace {

void open_manual(Provider& provider, const ProviderSettings& settings, OpenContext&& /*context*/) {
    provider.fixed = manual_addresses(settings);
    provider.server_key = [] { return std::string{}; };
}

void open_online(Provider& provider, const ProviderSettings& settings, OpenContext&& context) {
    const auto token = std::make_shared<const Token>(std::move(context.token));
    const auto endpoint = settings.endpoint.empty() ? default_endpoint("online") : settings.endpoint;
    auto http = std::make_unique<CurlHttp>(CurlHttp::Target{endpoint, token, std::move(context.ca_file)});
    const auto session = std::make_shared<OnlineSession>(
        std::move(http), OnlineSession::Account{settings.server, std::move(context.server_key), token});
    provider.api = std::make_unique<OnlineFailoverApi>(session);
    provider.rdns = std::make_unique<OnlineReverseDns>(session);
    provider.server_key = [session] { return session->server_key(); };
}

struct Opener {
    std::string_view type;
    void (*open)(Provider&, const ProviderSettings&, OpenContext&&);
};

constexpr Opener openers[] = {
    {"manual", open_manual},
    {"online", open_online},
};

}  // namespace

Provider open(const ProviderSettings& settings, OpenContext context) {
    Provider provider;
    provider.name = settings.name;
    provider.traits = traits_of(settings.type);  // an unknown type ends here
    for (const auto& opener : openers) {
        if (opener.type != settings.type) continue;
        try {
            opener.open(provider, settings, std::move(context));
        } catch (const InputError& error) {
            const std::string where = "providers." + settings.name;
            if (std::string_view{error.what()}.starts_with(where)) throw;
            throw InputError{where + ": " + error.what()};
        }
        return provider;
    }
    throw InputError{"provider type \"" + settings.type + "\" is not part of this program"};
}

}  // namespace fip::providers
