#pragma once

#include "app/context.hpp"
#include "core/guest_plan.hpp"
#include "ports/rows.hpp"

#include <string>
#include <vector>

namespace fip::plugin {

/// Whose MAC it is that a NIC of this guest wears although it should wear another: then the guard lets out what it
/// sends. Empty: nobody's, or the guest's own.
[[nodiscard]] std::string owner_of(const Rows& rows, const GuestId& guest, const Mac& worn);

/// What a person must know of a NIC that keeps the MAC it wears.
[[nodiscard]] std::string advice_on(const Mac& worn, const std::string& owner);

/// Of the running NICs that stay wrong, those that are let out all the same.
[[nodiscard]] std::vector<Happening> let_out(const Context& context, const Guest& guest,
                                             const std::vector<WrongNic>& wrong);

}  // namespace fip::plugin
