#include "lab/kill/storm.hpp"

#include <catch2/catch.hpp>

using namespace fip::test;

TEST_CASE("hundreds of kills under a storm of defines and undefines leak nothing", "[long]") {
    storm(std::chrono::seconds{300}, chosen_seed());
}
