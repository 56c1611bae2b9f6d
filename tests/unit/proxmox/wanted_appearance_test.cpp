#include "wanted_appearance.hpp"

#include "guest_config.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip::proxmox;

namespace {

bool shows(const std::string& text) {
    return shows_anything(GuestConfig{GuestType::vm, text + "memory: 256\nnet0: virtio=BC:24:11:90:26:FE\n"});
}

}  // namespace

TEST_CASE("a guest shows something of ours by its tag, its hookscript or its Notes, and by nothing else") {
    CHECK_FALSE(shows(""));
    CHECK(shows("tags: prod;fip-203.0.113.5\n"));
    CHECK(shows("hookscript: local:snippets/failover-ip\n"));
    CHECK(shows("#<!-- failover-ip --><b>net0</b><!-- /failover-ip -->\n"));
    CHECK_FALSE(shows("tags: fip-team;fip-\n"));
    CHECK_FALSE(shows("hookscript: local:snippets/other.sh\n"));
    CHECK_FALSE(shows("ipconfig0: ip=203.0.113.5/32\n"));
    CHECK_FALSE(shows("#failover-ip\n"));
}
