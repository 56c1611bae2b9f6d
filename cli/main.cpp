// failover-ip: noun, then verb.
#include "commands.hpp"
#include "render.hpp"
#include "runtime/run_main.hpp"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>

#include <unistd.h>

#include <iostream>
#include <string>

namespace {

constexpr int wrong_usage = 2;

constexpr auto about = "Gives failover IPs, with their virtual MACs and reverse names, to virtual machines.";
constexpr auto footer =
    "Examples:\n"
    "  failover-ip lease list                  who has which address\n"
    "  failover-ip lease acquire --guest web1  an address and its MAC ahead of the guest\n"
    "  failover-ip guest explain web1          what it has, what it lacks, what it needs inside\n"
    "  failover-ip COMMAND --help              more, with examples\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 provider unavailable\n"
    "(try again), 4 pool exhausted.";

int complain_about_usage(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
        return app.exit(error, std::cout);  // --help
    const auto unknown = app.remaining(true);
    const auto text =
        unknown.empty() ? std::string{error.what()} : "there is no such command or option: " + unknown.front();
    fip::cli::complain(fip::cli::shown(text, 400));
    fip::cli::complain("see: failover-ip --help");
    return wrong_usage;
}

}  // namespace

int main(int argc, char** argv) {
    return fip::runtime::run_main("failover-ip", [&] {
        CLI::App app{about, "failover-ip"};
        app.set_version_flag("--version", "failover-ip " FIP_VERSION);
        app.footer(footer);
        fip::cli::Chosen chosen;
        fip::cli::add_commands(app, chosen);
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return complain_about_usage(app, error);
        }
        if (::geteuid() != 0) {
            fip::cli::complain("needs root");
            return 1;
        }
        return chosen.run();
    });
}
