#pragma once

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>

namespace fip::plugin {

struct CloseConnect {
    void operator()(virConnectPtr connect) const noexcept { virConnectClose(connect); }
};
struct FreeDomain {
    void operator()(virDomainPtr domain) const noexcept { virDomainFree(domain); }
};
struct FreeNetwork {
    void operator()(virNetworkPtr network) const noexcept { virNetworkFree(network); }
};
struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};

using ConnectHandle = std::unique_ptr<virConnect, CloseConnect>;
using DomainHandle = std::unique_ptr<virDomain, FreeDomain>;
using NetworkHandle = std::unique_ptr<virNetwork, FreeNetwork>;
using TextHandle = std::unique_ptr<char, FreeText>;

}  // namespace fip::plugin
