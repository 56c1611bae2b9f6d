#include "config/load.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace fip;

TEST_CASE("every example is a good configuration") {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{FIP_EXAMPLES}) {
        if (entry.path().extension() != ".toml") continue;
        INFO(entry.path());
        CHECK_FALSE(config::load(entry.path()).pools.empty());
        ++count;
    }
    CHECK(count >= 4);
}

TEST_CASE("the example with every setting shows the defaults") {
    const auto settings = config::load(std::filesystem::path{FIP_EXAMPLES} / "all-settings.toml");
    const Settings defaults;
    CHECK(settings.store_file == defaults.store_file);
    CHECK(settings.on_wrong_mac == defaults.on_wrong_mac);
    CHECK(settings.proxmox_notes == defaults.proxmox_notes);
    CHECK(settings.proxmox_ipfilter == defaults.proxmox_ipfilter);
    CHECK(settings.hook_deadline == defaults.hook_deadline);
    CHECK(settings.interval == defaults.interval);
    CHECK(settings.grace == defaults.grace);
    const PoolSettings pool;
    const auto& shown = settings.pools.at("public");
    CHECK(shown.mac_type == pool.mac_type);
    CHECK(shown.max_addresses == pool.max_addresses);
    CHECK(shown.warm == pool.warm);
    CHECK(shown.cooldown == pool.cooldown);
    CHECK(shown.guard == pool.guard);
    CHECK(shown.is_default == pool.is_default);
}
