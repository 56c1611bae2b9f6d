#include "cli_host.hpp"

#include <catch2/catch.hpp>

using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

std::string page(const std::string& name) {
    return read_file(std::string{FIP_MAN_DIR} + "/" + name);
}

}  // namespace

TEST_CASE("the manual has every command, option and exit code", "[cli]") {
    const auto text = page("failover-ip.8");
    for (const auto* word :
         {"lease list",    "lease acquire",   "lease release", "pool list",   "pool sync",  "guest explain",
          "reconcile",     "config check",    "doctor",        "guard up",    "guard down", "guard status",
          "\\-\\-json",    "\\-\\-dry\\-run", "\\-\\-config",  "\\-\\-guest", "\\-\\-pool", "\\-\\-hostname",
          "\\-\\-confirm", "\\-\\-provider",  "\\-\\-version", "NO_COLOR"}) {
        CAPTURE(word);
        CHECK_THAT(text, Contains(word));
    }
}

TEST_CASE("the manual has every key of the configuration", "[cli]") {
    const auto text = page("failover-ip.toml.5");
    for (const auto* key :
         {"name",     "url",       "uris",          "on_wrong_mac", "notes",    "ipfilter", "deadline",
          "type",     "endpoint",  "token_file",    "server",       "provider", "bridges",  "mac_type",
          "hostname", "addresses", "max_addresses", "warm",         "cooldown", "guard",    "uplinks",
          "ipv6",     "default",   "interval",      "grace"}) {
        CAPTURE(key);
        CHECK_THAT(text, Contains(std::string{".B "} + key + "\n") || Contains(std::string{".B "} + key + " "));
    }
}

TEST_CASE("the manual pages are read by man without a warning", "[cli]") {
    for (const auto* name : {"failover-ip.8", "failover-ip-hook.8", "failover-ip-libvirt.8", "failover-ip-proxmox.8",
                             "failover-ip-proxmox-hook.8", "failover-ip.toml.5"}) {
        const auto result =
            run({.argv = {"man", "--warnings=w", "-E", "UTF-8", "-l", std::string{FIP_MAN_DIR} + "/" + name},
                 .environment = {{"MANPAGER", "cat"}, {"MANWIDTH", "100"}, {"LC_ALL", "C.UTF-8"}}});
        CAPTURE(name);
        CHECK(result.exit_code == 0);
        CHECK(result.err.empty());
        CHECK(result.out.size() > 500);
    }
}
