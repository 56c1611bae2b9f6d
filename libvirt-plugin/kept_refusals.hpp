#pragma once

#include "app/context.hpp"
#include "core/errors.hpp"
#include "ports/guest_source.hpp"

#include <vector>

namespace fip::plugin {

/// Guests whose definition may be refused: what else a look finds, above all their running NICs, must not be lost with
/// it. The refusals are kept for the log.
class KeptRefusals final : public GuestSource {
public:
    explicit KeptRefusals(GuestSource& source) : source_{source} {}

    [[nodiscard]] GuestKind kind() const override { return source_.kind(); }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override { return source_.list(visit); }
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override { return source_.find(id); }
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override {
        try {
            return source_.write(guest, edit);
        } catch (const InputError& wrong) {
            refused_.push_back({Happening::Level::error, "guest-refused", guest.id, guest.name, {}, wrong.what()});
            return false;
        }
    }

    [[nodiscard]] const std::vector<Happening>& refused() const { return refused_; }

private:
    GuestSource& source_;
    std::vector<Happening> refused_;
};

}  // namespace fip::plugin
