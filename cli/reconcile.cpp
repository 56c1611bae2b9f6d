#include "reconcile.hpp"

#include "programs.hpp"

namespace fip::cli {

int reconcile(const Workplace& workplace, Brake brake, Form form, Mode mode) {
    std::vector<std::string> arguments{"--once", "--reconcile", "--config", workplace.config().string()};
    if (brake == Brake::off) arguments.emplace_back("--confirm");
    if (mode == Mode::dry_run) arguments.emplace_back("--dry-run");
    if (form == Form::json) arguments.emplace_back("--json");
    return run_program("failover-ip-libvirt", arguments, Streams::ours).exit_code;
}

}  // namespace fip::cli
