#pragma once

#include "cli_host.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fip::test {

/// Compare with tests/golden/cli/NAME; FIP_ACCEPT=1 rewrites it.
inline void check_golden(const std::string& name, const std::string& text) {
    const auto file = std::string{FIP_GOLDEN_DIR} + "/" + name;
    const char* accept = std::getenv("FIP_ACCEPT");
    if (accept != nullptr && std::string{accept} == "1") write_file(file, text);
    INFO("golden file " << file << "; FIP_ACCEPT=1 rewrites it");
    REQUIRE(std::filesystem::exists(file));
    CHECK(text == read_file(file));
}

}  // namespace fip::test
