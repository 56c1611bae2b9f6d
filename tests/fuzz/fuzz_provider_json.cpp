// Any bytes of a provider's reply are read or refused as unreadable.
#include "providers/online_json.hpp"

#include <cstdint>

namespace {

template <typename Read>
void attempt(Read read) {
    try {
        (void)read();
    } catch (const fip::providers::online::Unreadable&) {
        // the one way to refuse
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fip::providers::online;
    const std::string_view body{reinterpret_cast<const char*>(data), size};
    attempt([&] { return read_failovers(body); });
    attempt([&] { return read_server(body); });
    attempt([&] { return read_server_ids(body); });
    attempt([&] { return read_statement(body); });
    return 0;
}
