#include "providers/traits.hpp"

#include "core/errors.hpp"

namespace fip::providers {
namespace {

struct Type {
    std::string_view name;
    bool has_api;
    bool has_rdns;
    std::string_view gateway;  // empty: depends on the address, or on the person who routes it
    std::string_view endpoint;
};

constexpr Type types[] = {
    {"online", true, true, "62.210.0.1", "https://api.online.net/api/v1"},
    {"manual", false, false, "", ""},
};

const Type& find_type(std::string_view name) {
    std::string known;
    for (const auto& type : types) {
        if (type.name == name) return type;
        known += (known.empty() ? "" : ", ") + std::string{type.name};
    }
    throw InputError{"unknown provider type \"" + std::string{name} + "\"; known are: " + known};
}

}  // namespace

const std::vector<std::string>& known_types() {
    static const auto names = [] {
        std::vector<std::string> result;
        for (const auto& type : types) result.emplace_back(type.name);
        return result;
    }();
    return names;
}

ProviderTraits traits_of(std::string_view type) {
    const auto& found = find_type(type);
    ProviderTraits traits;
    traits.has_api = found.has_api;
    traits.has_rdns = found.has_rdns;
    traits.gateway = Address::try_parse(found.gateway);
    traits.prefix = 32;
    return traits;
}

std::string default_endpoint(std::string_view type) {
    return std::string{find_type(type).endpoint};
}

}  // namespace fip::providers
