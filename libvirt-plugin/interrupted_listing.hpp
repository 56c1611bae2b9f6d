#pragma once

#include "ports/guest_source.hpp"

#include <functional>
#include <optional>

namespace fip::plugin {

/// A listing of all guests that lets something more urgent in between two of them.
class InterruptedListing final : public GuestSource {
public:
    /// @param between  called before each guest is shown; may give the guest as it is after that
    InterruptedListing(GuestSource& source, std::function<std::optional<Guest>(const Guest&)> between)
        : source_{source}, between_{std::move(between)} {}

    [[nodiscard]] GuestKind kind() const override { return source_.kind(); }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override {
        return source_.list([&](const Guest& guest) {
            const auto changed = between_(guest);
            visit(changed ? *changed : guest);
        });
    }
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override { return source_.find(id); }
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override { return source_.write(guest, edit); }

private:
    GuestSource& source_;
    std::function<std::optional<Guest>(const Guest&)> between_;
};

}  // namespace fip::plugin
