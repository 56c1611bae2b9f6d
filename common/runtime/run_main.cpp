#include "runtime/run_main.hpp"

#include "core/errors.hpp"
#include "runtime/log.hpp"
#include "runtime/printable.hpp"

#include <cstdio>
#include <exception>
#include <string>

namespace fip::runtime {
namespace {

void print(std::string_view program, std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = std::string{program} + ": " + printable(text.substr(0, end)) + "\n";
        std::fputs(line.c_str(), stderr);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

int tell(std::string_view program, Report report, std::string_view id, const char* text, int exit_code) {
    if (report == Report::to_journal) {
        log_lines(Level::error, id, text);
    } else {
        print(program, text);
    }
    return exit_code;
}

}  // namespace

int run_main(std::string_view program, Report report, const std::function<int()>& body) noexcept {
    try {
        return body();
    } catch (const InputError& wrong) {
        return tell(program, report, "wrong-input", wrong.what(), 2);
    } catch (const ProviderUnavailable& away) {
        return tell(program, report, "provider-unavailable", away.what(), 3);
    } catch (const ProviderRefused& refused) {
        return tell(program, report, "provider-refused", refused.what(), 1);
    } catch (const StoreBusy& busy) {
        return tell(program, report, "store-busy", busy.what(), 1);
    } catch (const StoreError& error) {
        return tell(program, report, "store-error", error.what(), 1);
    } catch (const std::exception& error) {
        return tell(program, report, "failed", error.what(), 1);
    }
}

int run_main(std::string_view program, const std::function<int()>& body) noexcept {
    return run_main(program, Report::to_people, body);
}

}  // namespace fip::runtime
