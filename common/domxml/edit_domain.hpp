#pragma once

#include "core/guest.hpp"

#include <string>

namespace fip::domxml {

/// The same document with other MACs and our lease element, and nothing else changed: as canonical XML with comments,
/// before and after differ in `mac/@address` of the named interfaces and in `<lease xmlns="urn:failover-ip:lease:1">`.
///
/// Repeating it changes nothing, and what needs no change comes back byte for byte. An interface without `<mac>`
/// gets one as its first child; a domain without `<metadata>` gets one behind name, uuid, title and description.
/// Taking our element away also takes the `<metadata>` that was made for it (nothing but our element on a line of its
/// own); an empty one that a person wrote stays.
///
/// @throws InputError  as read_domain(); an interface that is not there; record text that XML cannot hold
[[nodiscard]] std::string edit_domain(const std::string& xml, const GuestEdit& edit);

}  // namespace fip::domxml
