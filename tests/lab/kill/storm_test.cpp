#include "lab/kill/storm.hpp"

#include <catch2/catch.hpp>

using namespace fip::test;

TEST_CASE("dozens of kills under a storm of defines and undefines leak nothing", "[lab]") {
    storm(std::chrono::seconds{25}, chosen_seed());
}
