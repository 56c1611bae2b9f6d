#include "simulators/online/shared.hpp"

#include "core/errors.hpp"
#include "simulators/online/account_json.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fip::sim {

void Shared::save() const {
    if (state_file.empty()) return;
    auto state = to_json(account);
    boost::json::array waiting;
    for (const auto& fault : faults.waiting()) waiting.push_back(to_json(fault));
    state["faults"] = std::move(waiting);
    const auto next = state_file + ".new";
    std::ofstream out{next, std::ios::trunc | std::ios::binary};
    out << boost::json::serialize(state) << '\n';
    out.close();
    if (!out) throw std::runtime_error{"cannot write " + next};
    std::filesystem::rename(next, state_file);
}

bool Shared::restore() {
    if (state_file.empty()) return false;
    std::ifstream in{state_file, std::ios::binary};
    if (!in) return false;
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    boost::system::error_code failure;
    const auto value = boost::json::parse(text, failure);
    if (failure || !value.is_object()) throw InputError{state_file + " is not a JSON object"};
    load(account, value.get_object());
    if (const auto* waiting = value.get_object().if_contains("faults")) {
        for (const auto& fault : waiting->as_array()) faults.add(fault_from(fault));
    }
    return true;
}

LogEntry* Shared::entry(std::int64_t number) {
    const auto found = std::find_if(log.begin(), log.end(), [&](const auto& e) { return e.number == number; });
    return found == log.end() ? nullptr : &*found;
}

}  // namespace fip::sim
