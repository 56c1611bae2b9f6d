#include "commands.hpp"

#include "config/load.hpp"
#include "config_check.hpp"
#include "core/errors.hpp"
#include "doctor.hpp"
#include "explain.hpp"
#include "guard.hpp"
#include "lease.hpp"
#include "pool.hpp"
#include "reconcile.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fip::cli {
namespace {

// Everything that any verb takes; a verb adds the options that it knows.
struct Arguments {
    Reservation wish;
    std::vector<std::string> addresses;
    std::string guest;
    std::string provider;
    bool is_json = false;
    bool is_dry_run = false;
    bool is_confirmed = false;

    [[nodiscard]] Form form() const { return is_json ? Form::json : Form::people; }
    [[nodiscard]] Mode mode() const { return is_dry_run ? Mode::dry_run : Mode::act; }
    [[nodiscard]] Brake brake() const { return is_confirmed ? Brake::off : Brake::on; }
};

using Work = std::function<int(Workplace&, const Arguments&)>;

class Verb {
public:
    Verb(CLI::App& noun, Chosen& chosen, const std::string& name, const std::string& does, Work work)
        : app_{*noun.add_subcommand(name, does)}, arguments_{std::make_shared<Arguments>()} {
        app_.callback([&chosen, arguments = arguments_, work = std::move(work)] {
            chosen.run = [&chosen, arguments, work] {
                Workplace workplace{chosen.config};
                return work(workplace, *arguments);
            };
        });
    }

    Verb& json() {
        app_.add_flag("--json", arguments_->is_json, "For programs: one line of JSON on stdout");
        return *this;
    }
    Verb& dry_run() {
        app_.add_flag("--dry-run", arguments_->is_dry_run, "Say what would be done, and change nothing");
        return *this;
    }
    Verb& examples(const std::string& text) {
        app_.footer("Examples:\n" + text);
        return *this;
    }
    [[nodiscard]] CLI::App& app() const { return app_; }
    [[nodiscard]] Arguments& arguments() const { return *arguments_; }

private:
    CLI::App& app_;
    std::shared_ptr<Arguments> arguments_;
};

std::vector<Address> parse_addresses(const std::vector<std::string>& texts) {
    std::vector<Address> addresses;
    addresses.reserve(texts.size());
    for (const auto& text : texts) addresses.push_back(Address::parse(text));
    return addresses;
}

CLI::App& add_noun(CLI::App& app, const std::string& name, const std::string& about) {
    auto& noun = *app.add_subcommand(name, about);
    noun.require_subcommand(1);
    return noun;
}

void add_lease(CLI::App& app, Chosen& chosen) {
    auto& noun = add_noun(app, "lease", "Which guest holds which address");
    Verb{noun, chosen, "list", "Show all leases",
         [](Workplace& workplace, const Arguments& given) { return list_leases(workplace, given.form()); }}
        .json()
        .examples(
            "  failover-ip lease list\n"
            "  failover-ip lease list --json | jq -r '.[] | select(.state == \"active\") | .address'");

    Verb acquire{noun, chosen, "acquire",
                 "Reserve an address for a guest that is yet to be defined; prints ADDRESS MAC",
                 [](Workplace& workplace, const Arguments& given) {
                     return acquire_lease(workplace, given.wish, given.form(), given.mode());
                 }};
    acquire.json().dry_run().examples(
        "  failover-ip lease acquire --guest web1\n"
        "  failover-ip lease acquire --guest web1 --pool public --hostname www.example.com\n"
        "  read -r address mac < <(failover-ip lease acquire --guest web1) &&\n"
        "      virt-install --name web1 --network bridge=br0,mac=\"$mac\" ...");
    auto& wish = acquire.arguments().wish;
    acquire.app().add_option("--guest", wish.guest_name, "Name that the guest will have")->required();
    acquire.app().add_option("--pool", wish.pool, "Pool to take it from; default: the only one, or the default one");
    acquire.app().add_option("--hostname", wish.hostname, "Reverse name; default: as the pool says");

    Verb release{noun, chosen, "release", "Give addresses back whose guests do not exist",
                 [](Workplace& workplace, const Arguments& given) {
                     return release_leases(workplace, parse_addresses(given.addresses), given.mode());
                 }};
    release.dry_run().examples(
        "  failover-ip lease release 203.0.113.5\n"
        "  failover-ip lease release --dry-run 203.0.113.5 203.0.113.6");
    release.app()
        .add_option("ADDRESS", release.arguments().addresses, "Addresses to give back: all of them or none")
        ->required();
}

void add_pool(CLI::App& app, Chosen& chosen) {
    auto& noun = add_noun(app, "pool", "Which addresses there are");
    Verb{noun, chosen, "list", "Show the pools, and in which states their addresses are",
         [](Workplace& workplace, const Arguments& given) { return list_pools(workplace, given.form()); }}
        .json()
        .examples(
            "  failover-ip pool list\n"
            "  failover-ip pool list --json | jq '.[] | {pool, free, waiting}'");
    Verb sync{noun, chosen, "sync", "Read the providers again, and do what is due there",
              [](Workplace& workplace, const Arguments& given) {
                  return sync_pools(workplace, given.provider, given.form(), given.mode());
              }};
    sync.json().dry_run().examples(
        "  failover-ip pool sync\n"
        "  failover-ip pool sync --provider dedibox --dry-run");
    sync.app().add_option("--provider", sync.arguments().provider, "Only this one; default: all");
}

void add_guest(CLI::App& app, Chosen& chosen) {
    auto& noun = add_noun(app, "guest", "What a guest has, and why");
    Verb explain{noun, chosen, "explain", "Everything about one guest, and the text for its own network set-up",
                 [](Workplace& workplace, const Arguments& given) {
                     return explain_guest(workplace, given.guest, given.form());
                 }};
    explain.json().examples(
        "  failover-ip guest explain web1\n"
        "  failover-ip guest explain 9a8c1f52-5d4f-4b43-9d7e-3a6b0a1b2c3d\n"
        "  failover-ip guest explain 100\n"
        "  failover-ip guest explain web1 --json | jq -r '.[0].netplan'");
    explain.app().add_option("GUEST", explain.arguments().guest, "Name, UUID, or VMID of a Proxmox guest")->required();
}

void add_reconcile(CLI::App& app, Chosen& chosen) {
    Verb verb{app, chosen, "reconcile", "Compare everything once, and put right what differs",
              [](Workplace& workplace, const Arguments& given) {
                  return reconcile(workplace, given.brake(), given.form(), given.mode());
              }};
    verb.json().dry_run().examples(
        "  failover-ip reconcile --dry-run\n"
        "  failover-ip reconcile --confirm");
    verb.app().add_flag("--confirm", verb.arguments().is_confirmed,
                        "Also end leases when it would be more than half of them");
}

void add_guard(CLI::App& app, Chosen& chosen) {
    auto& noun = add_noun(app, "guard", "Which frames may leave the host");
    Verb{noun, chosen, "up", "Let only MACs leave that the provider knows",
         [](Workplace& workplace, const Arguments& given) { return guard_up(workplace, given.form(), given.mode()); }}
        .json()
        .dry_run()
        .examples("  failover-ip guard up\n  failover-ip guard up --dry-run");
    Verb{noun, chosen, "down", "Let everything leave, until `guard up` or the next boot",
         [](Workplace& workplace, const Arguments& given) { return guard_down(workplace, given.form(), given.mode()); }}
        .json()
        .dry_run()
        .examples("  failover-ip guard down");
    Verb{noun, chosen, "status", "Show where the guard stands, and who was stopped",
         [](Workplace& workplace, const Arguments& given) { return guard_status(workplace, given.form()); }}
        .json()
        .examples(
            "  failover-ip guard status\n"
            "  failover-ip guard status --json | jq '.blocked[] | {sender, mac, frames}'");
}

void add_doctor(CLI::App& app, Chosen& chosen) {
    auto& doctor = *app.add_subcommand("doctor", "Say whether all is well on this host, and what to do if not");
    auto is_json = std::make_shared<bool>(false);
    doctor.add_flag("--json", *is_json, "For programs: one line of JSON on stdout");
    doctor.footer("Examples:\n  failover-ip doctor\n  failover-ip doctor --json | jq '.[] | select(.ok != true)'");
    doctor.callback([&chosen, is_json] {
        // It goes on without a configuration, so it has no Workplace.
        chosen.run = [&chosen, is_json] { return examine_host(chosen.config, *is_json ? Form::json : Form::people); };
    });
}

void add_config(CLI::App& app, Chosen& chosen) {
    auto& noun = add_noun(app, "config", "The configuration file");
    auto& check = *noun.add_subcommand("check", "Report every mistake in it, and in the token files");
    check.footer("Examples:\n  failover-ip config check\n  failover-ip --config ./new.toml config check");
    check.callback([&chosen] { chosen.run = [&chosen] { return check_config(chosen.config); }; });
}

}  // namespace

void add_commands(CLI::App& app, Chosen& chosen) {
    chosen.config = config::default_file;
    app.add_option("--config", chosen.config, "Configuration file")->capture_default_str();
    app.require_subcommand(1);
    app.fallthrough();
    add_lease(app, chosen);
    add_pool(app, chosen);
    add_guest(app, chosen);
    add_reconcile(app, chosen);
    add_guard(app, chosen);
    add_doctor(app, chosen);
    add_config(app, chosen);
}

}  // namespace fip::cli
