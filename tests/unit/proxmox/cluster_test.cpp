#include "cluster.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace fip;
using namespace fip::proxmox;

TEST_CASE("the HA manager's resources are told from those that it ignores") {
    const test::TempDir pve;
    const Cluster cluster{pve.path()};
    CHECK_FALSE(cluster.is_ha_managed(100));
    std::filesystem::create_directories(pve / "ha");
    std::ofstream{std::filesystem::path{pve / "ha"} / "resources.cfg"}
        << "vm: 100\n\tcomment see ct:200\n\tstate started\n\nct:200\n\tstate ignored\n\nvm: 101\n"
           "\tgroup a\n\tstate ignored\n\nvm:102\n";
    CHECK(cluster.is_ha_managed(100));
    CHECK_FALSE(cluster.is_ha_managed(10));
    CHECK_FALSE(cluster.is_ha_managed(200));
    CHECK_FALSE(cluster.is_ha_managed(101));
    CHECK(cluster.is_ha_managed(102));
}
