#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::doctor {

enum class Health {
    ok,
    warn,  ///< Works, but a person should know.
    fail,  ///< A person must act.
};

/// One thing that was looked at.
struct Check {
    std::string name;  ///< Stable, for machines: "snippet", "token:dedibox".
    Health health = Health::ok;
    std::string text;  ///< One sentence for people, what is the case. Never holds a secret.
    std::string hint;  ///< What to do about it; empty: nothing.
    friend bool operator==(const Check&, const Check&) = default;
};
using Checks = std::vector<Check>;

[[nodiscard]] Check ok(std::string name, std::string text);
[[nodiscard]] Check warn(std::string name, std::string text, std::string hint = "");
[[nodiscard]] Check fail(std::string name, std::string text, std::string hint);

/// Checks that cannot even be made have failed: what `work` throws becomes one of that name.
void attempt(Checks& checks, const std::string& name, const std::function<void()>& work);

/// 0 when nothing fails, else 1.
[[nodiscard]] int exit_code_of(const Checks& checks);

/// A line per check, and one for its hint.
[[nodiscard]] std::string text_of(const Checks& checks);

/// One line: `[{"name","ok":true|false|"warn","text","hint"}]`.
[[nodiscard]] std::string json_of(const Checks& checks);
/// @throws std::runtime_error  it is no such list
[[nodiscard]] Checks parse_checks(std::string_view json);

/// "100, 101 and 3 more"; of a few all.
[[nodiscard]] std::string some_of(const std::vector<std::string>& names);

}  // namespace fip::doctor
