#include "example_config.hpp"

#include <algorithm>

namespace fip::proxmox {

std::string example_config(std::string_view bridge) {
    // The placeholder outside of quotes makes the file unusable until it is gone, whatever the value may be.
    return R"(# failover-ip on this Proxmox VE node. Put your values in where it says CHANGE-ME,
# then run `failover-ip config check` and `failover-ip-proxmox install` once more.
# More settings: failover-ip.toml(5).

[providers.dedibox]
type = "online"
# The private API token of the Dedibox console, alone in a file of mode 0600.
token_file = "/etc/failover-ip/dedibox.token"
# The main IPv4 address of this server, as the console shows it, in quotes: "192.0.2.10"
server = CHANGE-ME

[pools.public]
provider = "dedibox"
# Every network card of a VM or container on one of these bridges gets a failover IP.
bridges = [")" +
           std::string{bridge} + R"("]
# Reverse DNS; needs an A record of that name. Without this line it is left alone.
#hostname = "{name}.vm.example.com"
)";
}

bool has_placeholders(std::string_view config) {
    // Comments may go on speaking of them.
    for (std::size_t begin = 0; begin < config.size();) {
        const auto end = std::min(config.find('\n', begin), config.size());
        const auto line = config.substr(begin, end - begin);
        if (line.substr(0, line.find('#')).find(placeholder) != std::string_view::npos) return true;
        begin = end + 1;
    }
    return false;
}

std::string bridge_for_guests(const std::vector<std::string>& with_uplink) {
    const auto is_before = [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;  // vmbr2 comes before vmbr10
    };
    std::vector<std::string> named;
    std::ranges::copy_if(with_uplink, std::back_inserter(named),
                         [](const std::string& name) { return name.starts_with("vmbr"); });
    const auto first = std::ranges::min_element(named, is_before);
    return first == named.end() ? "vmbr0" : *first;
}

}  // namespace fip::proxmox
