#pragma once

#include "core/guest.hpp"

#include <span>
#include <string>
#include <string_view>

namespace fip::domxml {

/// One domain XML document, as it was written.
struct DomainText {
    Guest guest;       ///< id, name, nics, request, records, problem; the rest is the caller's.
    std::string type;  ///< /domain/@type: "kvm", "qemu", "lxc".
};

/// Read a `<domain>` document to its last character. Of elements that libvirt has once, the first counts, as it does
/// there.
///
/// Strings are what the XML says: a name may hold newlines, braces and any Unicode. `id.value` is lower case with
/// dashes, or empty where the document has no uuid. A MAC that is none is absent. Our own lease records that cannot be
/// understood are skipped, for the store is the truth; a wrong request is `guest.problem`, and what was right in it
/// counts.
///
/// @throws InputError  not well-formed, not a domain, a DTD, a NUL byte, an unusable uuid, or above the limits of
/// limits.hpp
[[nodiscard]] DomainText read_domain(std::string_view xml);

/// A cheap first look: false only if none of the names can be in the document.
/// True also where the text could hide one: character references, a DTD, an unusual encoding.
[[nodiscard]] bool names_any(std::string_view xml, std::span<const std::string> bridges);

}  // namespace fip::domxml
