#pragma once

#include "app/context.hpp"

#include <string>

namespace fip {

/// Start to warm free addresses where a pool has fewer than it keeps ready, and give back what it has too many, inside
/// the caller's transaction. Nobody who waits for an address is overtaken. True: rows changed.
bool restock(const Context& context, Rows& rows, const std::string& provider);

}  // namespace fip
