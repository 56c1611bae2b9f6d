#include "simulators/pve/call.hpp"

#include "simulators/pve/node.hpp"
#include "simulators/pve/text.hpp"

#include <cstdlib>
#include <set>
#include <utility>

namespace fip::sim::pve {
namespace {

// Their value may be left out.
const std::set<std::string> flags{"full",
                                  "force",
                                  "unique",
                                  "purge",
                                  "skiplock",
                                  "online",
                                  "todisk",
                                  "current",
                                  "vmstate",
                                  "forceStop",
                                  "start",
                                  "destroy-unreferenced-disks",
                                  "overrule-shutdown",
                                  "restart",
                                  "human-readable",
                                  "noborder",
                                  "noheader"};
const std::set<std::string> booleans{"0", "1", "yes", "no", "on", "off", "true", "false"};

bool is_locale_utf8() {
    for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const auto text = lower(value);
        return text.find("utf-8") != text.npos || text.find("utf8") != text.npos;
    }
    return false;
}

}  // namespace

Call Call::parse(const std::vector<std::string>& arguments) {
    Call call;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& word = arguments[i];
        if (!word.starts_with('-') || word == "-") {
            call.words.push_back(word);
            continue;
        }
        auto name = word.substr(word.starts_with("--") ? 2 : 1);
        std::string value = "1";
        const auto equals = name.find('=');
        const bool has_next = i + 1 < arguments.size();
        if (equals != name.npos) {
            value = name.substr(equals + 1);
            name.resize(equals);
        } else if (has_next && (!flags.contains(name) || booleans.contains(arguments[i + 1]))) {
            value = arguments[++i];
        }
        call.options[name] = value;
    }
    return call;
}

bool Call::is_set(const std::string& flag) const {
    const auto found = options.find(flag);
    return found != options.end() && found->second != "0" && found->second != "no" && found->second != "off";
}

std::string Call::take(const std::string& option) {
    const auto found = options.find(option);
    if (found == options.end()) return "";
    auto value = std::move(found->second);
    options.erase(found);
    return value;
}

int Call::vmid(std::size_t at) const {
    if (at >= words.size()) throw CommandError{"400 not enough arguments\n"};
    const auto value = number(words[at]);
    if (!value || *value < 100) {
        throw ParameterError{"vmid", "type check ('integer') failed - got '" + words[at] + "'"};
    }
    return *value;
}

std::vector<std::string> decoded_by_locale(std::vector<std::string> arguments) {
    if (is_locale_utf8()) return arguments;
    for (auto& argument : arguments) {
        std::string text;
        for (const char c : argument) text += (static_cast<unsigned char>(c) < 0x80) ? std::string{c} : "\xef\xbf\xbd";
        argument = std::move(text);
    }
    return arguments;
}

}  // namespace fip::sim::pve
