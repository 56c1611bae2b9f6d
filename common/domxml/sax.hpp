#pragma once

#include <expat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fip::domxml {

// What expat hands over, in our words. For this folder's sources only.

struct FreeParser {
    void operator()(XML_Parser parser) const noexcept { XML_ParserFree(parser); }
};
using ParserHandle = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

struct Name {
    std::string_view space;
    std::string_view local;
};

/// Name = value pairs of one element, as expat hands them over.
class Attributes {
public:
    explicit Attributes(const XML_Char** pairs) : pairs_(pairs) {}
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
        for (auto pair = pairs_; *pair != nullptr; pair += 2) {
            if (name == pair[0]) return std::string_view{pair[1]};
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string text(std::string_view name) const { return std::string{find(name).value_or("")}; }
    template <typename Visit>
    void each(Visit visit) const {
        for (auto pair = pairs_; *pair != nullptr; pair += 2)
            visit(std::string_view{pair[0]}, std::string_view{pair[1]});
    }

private:
    const XML_Char** pairs_;
};

/// Prefixes in scope. Ours instead of expat's, which refuses the unbound prefixes that libvirt lets pass.
class Namespaces {
public:
    void enter(std::size_t depth, const Attributes& attributes) {
        attributes.each([&](std::string_view name, std::string_view value) {
            if (name == "xmlns") bindings_.push_back({depth, "", std::string{value}});
            if (name.starts_with("xmlns:"))
                bindings_.push_back({depth, std::string{name.substr(6)}, std::string{value}});
        });
    }
    [[nodiscard]] std::size_t size() const { return bindings_.size(); }
    void leave(std::size_t depth) {
        while (!bindings_.empty() && bindings_.back().depth >= depth) bindings_.pop_back();
    }
    [[nodiscard]] Name resolve_element(std::string_view name) const { return resolve(name, true); }
    [[nodiscard]] Name resolve_attribute(std::string_view name) const { return resolve(name, false); }

private:
    struct Binding {
        std::size_t depth;
        std::string prefix;
        std::string space;
    };

    [[nodiscard]] Name resolve(std::string_view name, bool has_default) const {
        const auto colon = name.find(':');
        const auto prefix = colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
        if (prefix.empty() && !has_default) return {{}, name};
        const auto binding = std::find_if(bindings_.rbegin(), bindings_.rend(),
                                          [&](const Binding& one) { return one.prefix == prefix; });
        if (binding != bindings_.rend()) return {binding->space, prefix.empty() ? name : name.substr(colon + 1)};
        return {{}, name};
    }

    std::vector<Binding> bindings_;
};

}  // namespace fip::domxml
