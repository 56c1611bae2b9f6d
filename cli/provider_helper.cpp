// failover-ip-provider: talks to providers for the command line and the hook, which are too small for that.
#include "config/load.hpp"
#include "core/errors.hpp"
#include "provider_work.hpp"
#include "runtime/no_core_dumps.hpp"
#include "runtime/printable.hpp"
#include "runtime/run_main.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace {

using fip::cli::ProviderResult;

struct Arguments {
    std::string config = fip::config::default_file;
    std::string provider;
    std::string limit = "60s";
    std::vector<std::string> addresses;
    bool is_json = false;
};

void say(const std::string& text) {
    std::fputs(("failover-ip: " + fip::runtime::printable(text, 600) + "\n").c_str(), stderr);
}

// Steps are for somebody who looks on; what went wrong is always said.
fip::cli::Progress progress() {
    if (::isatty(STDERR_FILENO) != 1) return [](const std::string&) {};
    return say;
}

void print_json(const std::vector<ProviderResult>& results) {
    boost::json::array array;
    for (const auto& result : results) {
        boost::json::object object;
        object["provider"] = result.provider;
        object["problem"] = result.problem.empty()
                                ? boost::json::value(nullptr)
                                : boost::json::value(boost::json::string{fip::runtime::printable(result.problem)});
        auto& open = object["open"].emplace_array();
        for (const auto& address : result.open) open.emplace_back(address);
        array.push_back(std::move(object));
    }
    std::cout << boost::json::serialize(array) << "\n" << std::flush;
}

int report(const std::vector<ProviderResult>& results, bool is_json) {
    int exit_code = 0;
    for (const auto& result : results) {
        const bool is_open = !result.open.empty();
        if (result.problem.empty() && !is_open) continue;
        if (!result.problem.empty()) say("provider " + result.provider + ": " + result.problem);
        exit_code = std::max(exit_code, result.is_refused ? 1 : 3);
    }
    if (is_json) print_json(results);
    return exit_code;
}

int work(const CLI::App& settle, const Arguments& given) {
    fip::runtime::forbid_core_dumps();
    if (::geteuid() != 0) {
        say("needs root");
        return 1;
    }
    const auto limit = fip::parse_duration(given.limit);
    auto settings = fip::config::load(given.config);
    if (!settle.parsed()) {
        return report(fip::cli::sync_providers(settings, given.provider, limit, progress()), given.is_json);
    }
    std::vector<fip::Address> addresses;
    for (const auto& text : given.addresses) addresses.push_back(fip::Address::parse(text));
    return report(fip::cli::settle_addresses(settings, addresses, limit, progress()), given.is_json);
}

}  // namespace

int main(int argc, char** argv) {
    return fip::runtime::run_main("failover-ip", [&] {
        CLI::App app{"Helper of failover-ip that talks to the providers. Not for people: use failover-ip.",
                     "failover-ip-provider"};
        app.set_version_flag("--version", "failover-ip-provider " FIP_VERSION);
        Arguments given;
        app.add_option("--config", given.config, "Configuration file")->capture_default_str();
        app.add_option("--limit", given.limit, "Time for all of it")->capture_default_str();
        app.add_flag("--json", given.is_json, "One line of JSON on stdout");
        app.require_subcommand(1);
        app.fallthrough();
        auto& sync = *app.add_subcommand("sync", "Read the providers, and do what is due, once");
        sync.add_option("--provider", given.provider, "Only this one");
        auto& settle = *app.add_subcommand("settle", "Work until these addresses have what their leases need");
        settle.add_option("ADDRESS", given.addresses)->required();
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error, std::cout);
            say(error.what());
            return 2;
        }
        return work(settle, given);
    });
}
