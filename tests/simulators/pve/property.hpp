#pragma once

#include <map>
#include <optional>
#include <string>

namespace fip::sim::pve {

/// One netN value, parsed (facts 2.3). A VM's model and MAC are `model` and `macaddr`, a container's MAC is `hwaddr`.
using Properties = std::map<std::string, std::string>;

/// Empty: PVE would refuse it; then `why` says what PVE prints.
[[nodiscard]] std::optional<Properties> parse_net(const std::string& value, std::string& why);
/// The canonical form: `model=MAC` first, the rest sorted.
[[nodiscard]] std::string print_net(const Properties& net);

/// A container's: key=value pairs.
[[nodiscard]] Properties parse_pairs(const std::string& value);
[[nodiscard]] std::string print_pairs(const Properties& pairs, const std::string& first);

[[nodiscard]] bool is_unicast_mac(const std::string& text);
[[nodiscard]] bool is_net(const std::string& key);  ///< net0 to net31

}  // namespace fip::sim::pve
