#pragma once

#include "core/lease.hpp"
#include "core/pool.hpp"
#include "core/settings.hpp"

#include <string>

namespace fip::test {

inline const std::string here = "192.0.2.10";
inline const std::string there = "192.0.2.99";
inline const WallTime noon{std::chrono::seconds{1'700'000'000}};

inline Address ip(const std::string& text) {
    return Address::parse(text);
}
inline Mac mac(int number) {
    return Mac::local(static_cast<std::uint64_t>(number) << 8U);
}

inline PoolSettings pool(const std::string& name, const std::string& bridge = "br0") {
    PoolSettings pool;
    pool.name = name;
    pool.provider = "dedibox";
    pool.bridges = {bridge};
    pool.hostname = "{name}.vm.example.com";
    return pool;
}

inline Settings one_pool() {
    Settings settings;
    settings.host_name = "hv1";
    settings.providers["dedibox"] = {"dedibox", "online", "", "", here, {}, {}};
    settings.pools["public"] = pool("public");
    return settings;
}

inline Lease lease(const std::string& address, LeaseState state, std::optional<Mac> worn = {}) {
    Lease lease;
    lease.address = ip(address);
    lease.provider = "dedibox";
    lease.pool = "public";
    lease.state = state;
    lease.mac = worn;
    lease.is_mac_asked = worn.has_value();
    lease.since = noon;
    if (is_held(state)) {
        lease.guest = GuestId{GuestKind::libvirt, "u-web"};
        lease.guest_name = "web";
        lease.origin = "host/qemu";
        lease.slot = "0";
        lease.hostname = "web.vm.example.com";
        lease.rdns = RdnsState::set;
    }
    return lease;
}

inline ProviderAddress seen(const std::string& address, std::optional<std::string> server, std::optional<Mac> worn = {},
                            int missing = 0) {
    return {ip(address), std::move(server), worn, {}, missing};
}

inline Nic nic(std::optional<Mac> worn, const std::string& bridge = "br0", std::size_t index = 0) {
    Nic nic;
    nic.index = index;
    nic.type = NicType::bridge;
    nic.bridge = bridge;
    nic.mac = worn;
    return nic;
}

}  // namespace fip::test
