#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

enum class StepResult {
    done,
    there,    ///< It was as it should be already.
    planned,  ///< Would be done.
    advice,   ///< Left to a person.
    failed,
};

struct Step {
    std::string name;  ///< Stable, for machines: "snippet", "announcement", "guest 100".
    StepResult result = StepResult::done;
    std::string text;  ///< For people.
};

/// What a set-up did, told as it happens: lines on stdout, failures on stderr; or at its end one line of JSON.
class SetupLog {
public:
    SetupLog(bool is_json, bool is_dry_run) : is_json_{is_json}, is_dry_run_{is_dry_run} {}

    void add(Step step);
    void there(std::string name, std::string text) { add({std::move(name), StepResult::there, std::move(text)}); }
    void advise(std::string name, std::string text) { add({std::move(name), StepResult::advice, std::move(text)}); }
    void fail(std::string name, std::string text) { add({std::move(name), StepResult::failed, std::move(text)}); }
    /// What it throws fails the step.
    void attempt(const std::string& name, const std::function<void()>& work);
    /// Done, or on a dry run what would be.
    void done(std::string name, std::string text);

    /// The node is not fit for any step, for these reasons: 1.
    [[nodiscard]] int refuse(const std::vector<std::string>& reasons);

    [[nodiscard]] bool is_dry_run() const { return is_dry_run_; }
    [[nodiscard]] bool has_failed() const;
    /// 0, or 1 when a step failed: it can be said again, and goes on where it stopped.
    [[nodiscard]] int finish() const;

private:
    bool is_json_;
    bool is_dry_run_;
    std::vector<Step> steps_;
};

}  // namespace fip::proxmox
