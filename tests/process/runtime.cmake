# What every program has around its use cases.
add_executable(runtime_test runtime_test.cpp)
target_link_libraries(runtime_test PRIVATE fip::runtime fip_test_support fip_test_main Threads::Threads)
catch_discover_tests(runtime_test TEST_PREFIX "runtime: " PROPERTIES LABELS process TIMEOUT 60)
