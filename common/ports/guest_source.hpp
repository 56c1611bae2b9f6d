#pragma once

#include "core/guest.hpp"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fip {

/// The hypervisor does not answer, or went away in the middle. Nothing is known; nothing may be concluded.
class GuestsUnavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a listing was able to say.
struct Listing {
    /// Origins (Guest::origin) that were listed completely: only for these does absence mean anything.
    std::vector<std::string> origins;
    std::vector<std::string> gaps;     ///< For people: what could not be listed, and why.
    std::vector<GuestId> elsewhere{};  ///< Of this cluster and on another host: not visited, and not absent either.
};

/// The guests of this host.
/// @throws GuestsUnavailable
class GuestSource {
public:
    virtual ~GuestSource() = default;
    GuestSource(const GuestSource&) = delete;
    GuestSource& operator=(const GuestSource&) = delete;

    [[nodiscard]] virtual GuestKind kind() const = 0;  ///< Of all its guests.
    /// Visits every guest once; one guest is in memory at a time.
    [[nodiscard]] virtual Listing list(const std::function<void(const Guest&)>& visit) = 0;
    /// Guests of this cluster that other hosts look after: they may wear the same MACs. Default: none.
    virtual void list_others(const std::function<void(const Guest&)>& visit) { (void)visit; }
    /// Empty: the hypervisor answered, and knows no such guest, nor is there a definition that it failed to load.
    [[nodiscard]] virtual std::optional<Guest> find(const GuestId& id) = 0;
    /// Change the stored definition; a guest without one is left alone. Repeatable.
    /// False: the definition changed meanwhile or is gone; look again.
    /// @throws InputError  the hypervisor refused the definition
    [[nodiscard]] virtual bool write(const Guest& guest, const GuestEdit& edit) = 0;

protected:
    GuestSource() = default;
};

}  // namespace fip
