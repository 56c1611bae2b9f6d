#include "setup_log.hpp"

#include "runtime/printable.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <exception>
#include <iostream>

namespace fip::proxmox {
namespace {

namespace json = boost::json;

std::string_view name_of(StepResult result) {
    switch (result) {
    case StepResult::done:
        return "done";
    case StepResult::there:
        return "there";
    case StepResult::planned:
        return "planned";
    case StepResult::advice:
        return "advice";
    case StepResult::failed:
        break;
    }
    return "failed";
}

}  // namespace

void SetupLog::add(Step step) {
    if (!is_json_) {
        auto& out = step.result == StepResult::failed ? std::cerr << "failover-ip-proxmox: " : std::cout;
        out << runtime::printable(step.name) << ": " << runtime::printable(step.text) << std::endl;
    }
    steps_.push_back(std::move(step));
}

void SetupLog::done(std::string name, std::string text) {
    if (is_dry_run_) text = "would be " + text;
    add({std::move(name), is_dry_run_ ? StepResult::planned : StepResult::done, std::move(text)});
}

void SetupLog::attempt(const std::string& name, const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& error) {
        fail(name, error.what());
    }
}

int SetupLog::refuse(const std::vector<std::string>& reasons) {
    for (const auto& reason : reasons) fail("node", reason);
    return finish();
}

bool SetupLog::has_failed() const {
    return std::ranges::find(steps_, StepResult::failed, &Step::result) != steps_.end();
}

int SetupLog::finish() const {
    if (is_json_) {
        json::array list;
        for (const auto& step : steps_) {
            list.push_back(json::object{{"step", runtime::printable(step.name)},
                                        {"result", name_of(step.result)},
                                        {"text", runtime::printable(step.text)}});
        }
        std::cout << json::serialize(list) << std::endl;
    }
    return has_failed() ? 1 : 0;
}

}  // namespace fip::proxmox
