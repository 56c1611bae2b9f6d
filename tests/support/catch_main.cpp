// Compiled once for all test programs: it is the slowest file of the tests.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
