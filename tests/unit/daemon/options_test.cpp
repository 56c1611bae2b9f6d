#include "daemon/options.hpp"
#include "core/errors.hpp"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include <vector>

using namespace fip;
using namespace fip::daemon;

namespace {

const Program program{"failover-ip-some", GuestKind::proxmox, "Does something.", "Examples: none"};

std::optional<Options> read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "failover-ip-some");
    return read_options(static_cast<int>(arguments.size()), arguments.data(), program);
}

}  // namespace

TEST_CASE("without arguments it is the daemon of its kind, with the default configuration", "[unit]") {
    const auto options = read({});
    REQUIRE(options);
    CHECK(options->config == "/etc/failover-ip/config.toml");
    CHECK(options->socket == "/run/failover-ip/proxmox.sock");
    CHECK(default_options(GuestKind::libvirt).socket == "/run/failover-ip/libvirt.sock");
    CHECK_FALSE(options->is_once);
    CHECK(options->effects == Effects::apply);
}

TEST_CASE("once, it can be told to change nothing and to allow more", "[unit]") {
    const auto dry = read({"--once", "--dry-run", "--json", "--config", "other.toml"});
    REQUIRE(dry);
    CHECK(dry->is_once);
    CHECK(dry->is_json);
    CHECK(dry->effects == Effects::plan_only);
    CHECK(dry->config == "other.toml");
    CHECK_FALSE(dry->permission.apply_held_back);
    const auto bold = read({"--once", "--reconcile", "--confirm"});
    REQUIRE(bold);
    CHECK(bold->permission.apply_held_back);
    CHECK(bold->permission.confirm_releases);
}

TEST_CASE("what belongs to --once is wrong without it, and the message names the program", "[unit]") {
    for (const auto* alone : {"--dry-run", "--json", "--reconcile", "--confirm", "--unknown"}) {
        CAPTURE(alone);
        CHECK_THROWS_AS(read({alone}), InputError);
        CHECK_THROWS_WITH(read({alone}), Catch::EndsWith("; see failover-ip-some --help"));
    }
}

TEST_CASE("a program with several commands has the same options in one of them", "[unit]") {
    CLI::App app;
    app.require_subcommand(1);
    auto options = default_options(GuestKind::proxmox);
    add_options(*app.add_subcommand("watch"), options);
    const std::vector<const char*> arguments{"p", "watch", "--once", "--dry-run"};
    app.parse(static_cast<int>(arguments.size()), arguments.data());
    CHECK(options.is_once);
    CHECK(options.effects == Effects::plan_only);
}
