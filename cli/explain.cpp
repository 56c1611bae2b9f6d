#include "explain.hpp"

#include "explanation.hpp"
#include "render.hpp"

#include <boost/json/serialize.hpp>

namespace fip::cli {

int explain_guest(Workplace& workplace, const std::string& guest, Form form) {
    const auto host = ask_host(workplace);
    const auto explanations = explain(workplace, host, guest);
    if (explanations.empty()) {
        complain("no guest and no lease is called " + shown(guest));
        for (const auto& gap : host.gaps) complain(shown(gap.text, 600));
        return 1;
    }
    if (form == Form::json) {
        boost::json::array array;
        for (const auto& one : explanations) array.push_back(json_of(one));
        print(boost::json::serialize(array) + "\n");
        return 0;
    }
    const bool is_coloured = wants_colour(1);
    for (const auto& one : explanations) print(text_of(one, is_coloured));
    return 0;
}

}  // namespace fip::cli
