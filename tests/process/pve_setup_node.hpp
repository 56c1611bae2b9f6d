#pragma once

#include "support/pve_node.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace fip::test {

inline constexpr auto snippet = "/var/lib/vz/snippets/failover-ip";
inline constexpr auto config_file = "/etc/failover-ip/config.toml";
inline constexpr auto own_hookscript = "local:snippets/failover-ip";

/// A node on which our programs are there, and nothing is set up.
struct SetupNode {
    PveNode node;
    TempDir files;  ///< For the store: SQLite finds no way through /proc.

    SetupNode() = default;
    explicit SetupNode(PveNode::Options options) : node{std::move(options)} {}

    Result call(std::vector<std::string> words) {
        words.insert(words.begin(), std::string{FIP_BIN} + "/failover-ip-proxmox");
        return node.run(std::move(words));
    }
    Result install(std::vector<std::string> more = {}) {
        more.insert(more.begin(), "install");
        return call(std::move(more));
    }
    Result uninstall(std::vector<std::string> more = {}) {
        more.insert(more.begin(), "uninstall");
        return call(std::move(more));
    }

    /// systemd as the programs see it: `systemctl` writes down what it is told, and units are as they are told to be.
    void boot_systemd() {
        std::filesystem::create_directories(node.outside("/run/systemd/system"));
        std::filesystem::create_directories(node.outside("/run/units"));
        node.write(
            "/usr/bin/systemctl",
            "#!/bin/bash\n"
            "echo \"$*\" >>/run/units/calls\n"
            "verb=$1; shift; now=; units=()\n"
            "for word; do case $word in --now) now=1 ;; --*) ;; *) units+=(\"$word\") ;; esac; done\n"
            "for unit in \"${units[@]}\"; do\n"
            "    case $verb in\n"
            "        is-enabled) [[ -e /run/units/$unit.enabled ]] ;;\n"
            "        is-active) [[ -e /run/units/$unit.active ]] ;;\n"
            "        enable) touch /run/units/$unit.enabled ;;\n"
            "        start | restart) touch /run/units/$unit.active ;;\n"
            "        disable) rm -f /run/units/$unit.enabled; [[ -z $now ]] || rm -f /run/units/$unit.active ;;\n"
            "    esac || exit 1\n"
            "done\n",
            true);
    }
    [[nodiscard]] bool is_active(const std::string& unit) const {
        return node.exists("/run/units/" + unit + ".service.active");
    }
    [[nodiscard]] bool is_enabled(const std::string& unit) const {
        return node.exists("/run/units/" + unit + ".service.enabled");
    }

    void configure() {
        node.write(config_file,
                   "[store]\nurl = \"sqlite:" + store_file() +
                       "\"\n"
                       "[providers.hand]\ntype = \"manual\"\nserver = \"pve\"\naddresses = [\"203.0.113.0/29\"]\n\n"
                       "[pools.public]\nprovider = \"hand\"\nbridges = [\"vmbr0\"]\n");
    }
    [[nodiscard]] std::string store_file() const { return files / "store/leases.db"; }
    void create(int vmid, std::vector<std::string> more = {}) {
        std::vector<std::string> argv{"qm",
                                      "create",
                                      std::to_string(vmid),
                                      "--name",
                                      "web" + std::to_string(vmid),
                                      "--net0",
                                      "virtio,bridge=vmbr0",
                                      "--memory",
                                      "64"};
        argv.insert(argv.end(), more.begin(), more.end());
        node.must(argv);
    }
};

/// Every test of this kind begins so: without FUSE there is no node.
#define PVE_SETUP_NODE_OR_SKIP()                                           \
    if (const auto why_ = ::fip::test::why_no_pve_node(); !why_.empty()) { \
        WARN("SKIPPED: " << why_);                                         \
        return;                                                            \
    }

}  // namespace fip::test
