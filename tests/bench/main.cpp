// fip-bench: what failover-ip costs, beside what it is compared with, in one table. A report, not a test: a missed
// target does not change the exit code.
#include "plan.hpp"
#include "report.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <iostream>

namespace fip::bench {

void tell(std::string_view text) {
    std::cerr << "fip-bench: " << text << std::endl;
}

namespace {

struct Area {
    const char* name;
    const char* about;
    void (*measure)(const Plan&, Report&);
};

constexpr std::array<Area, 7> areas{
    {{"hook", "what a start of a guest waits for", measure_hook},
     {"commands", "lease acquire and release against CNI host-local", measure_commands},
     {"define", "from the define event to the MAC in the XML; provider calls per VM life", measure_define},
     {"swap", "a guest that was started with a wrong MAC, until its NIC is right", measure_swap},
     {"guard", "what the guard takes from traffic that may leave", measure_guard},
     {"daemon", "memory and wake-ups with many guests", measure_daemon},
     {"proxmox", "the same of hookscript and watcher of a Proxmox node", measure_proxmox}}};

std::string areas_for_help() {
    std::string text = "Areas:\n";
    for (const auto& area : areas) text += fmt::format("  {:<10}{}\n", area.name, area.about);
    return text + "\nNeeds root: it works in namespaces of its own and leaves nothing behind.";
}

void measure(const Area& area, const Plan& plan, Report& report) {
    tell(fmt::format("{}: {}", area.name, area.about));
    try {
        area.measure(plan, report);
    } catch (const std::exception& error) {
        report.failures.push_back(fmt::format("{}: {}", area.name, error.what()));
        tell(report.failures.back());
    }
}

int run(const Plan& plan, const std::vector<std::string>& only, bool is_json) {
    if (::geteuid() != 0) {
        std::cerr << "fip-bench: needs root\n";
        return 1;
    }
    // Made here, so that what removes it at the end lives outside of every namespace made later.
    const test::TempDir root;
    Report report;
    for (const auto& area : areas) {
        if (only.empty() || std::ranges::find(only, area.name) != only.end()) measure(area, plan, report);
    }
    std::cout << (is_json ? json_of(report) : table_of(report)) << std::flush;
    return report.failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace fip::bench

int main(int argc, char** argv) {
    CLI::App app{"Measures failover-ip beside what it is compared with, and prints one table.", "fip-bench"};
    fip::bench::Plan plan{std::filesystem::read_symlink("/proc/self/exe").parent_path()};
    std::vector<std::string> only;
    bool is_json = false;
    app.add_flag("--json", is_json, "For programs: one JSON object on stdout");
    app.add_flag("--quick", plan.is_quick, "Few rounds, small sizes: shows that everything works, in two minutes");
    app.add_option("--programs", plan.programs, "Folder of the programs to measure; default: the bench's own");
    app.add_option("AREA", only, "Only these areas; default: all")
        ->check(CLI::IsMember({"hook", "commands", "define", "swap", "guard", "daemon", "proxmox"}));
    app.footer(fip::bench::areas_for_help());
    CLI11_PARSE(app, argc, argv);
    return fip::bench::run(plan, only, is_json);
}
