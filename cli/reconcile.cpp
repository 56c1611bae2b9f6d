#include "reconcile.hpp"

#include "hypervisors.hpp"
#include "programs.hpp"
#include "render.hpp"
#include "reports.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace fip::cli {

int reconcile(const Workplace& workplace, Brake brake, Form form, Mode mode) {
    std::vector<Ran> reports;
    for (const auto& hypervisor : hypervisors()) {
        auto arguments = hypervisor.once;
        for (const auto& more : {std::string{"--reconcile"}, std::string{"--config"}, workplace.config().string()}) {
            arguments.push_back(more);
        }
        if (brake == Brake::off) arguments.emplace_back("--confirm");
        if (mode == Mode::dry_run) arguments.emplace_back("--dry-run");
        if (form == Form::json) arguments.emplace_back("--json");
        try {
            reports.push_back(run_program(hypervisor.program, arguments, Streams::err_ours));
        } catch (const std::runtime_error& e) {
            complain(e.what());  // the others are compared all the same
            reports.push_back({1, {}, {}});
        }
    }
    print(form == Form::json ? joined_json(reports) : joined_text(reports));
    return joined_exit_code(reports);
}

}  // namespace fip::cli
