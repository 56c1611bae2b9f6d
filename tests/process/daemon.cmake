# What daemons of several hypervisors share, and what they do to each other on one host.
add_executable(daemon_stub daemon_stub.cpp)
target_link_libraries(daemon_stub PRIVATE fip::daemon)

add_executable(daemon_process_test daemon_pair_test.cpp)
target_link_libraries(daemon_process_test PRIVATE fip_cli_host fip_test_main fip::runtime)
add_dependencies(daemon_process_test daemon_stub)
catch_discover_tests(daemon_process_test TEST_PREFIX "daemon: " PROPERTIES LABELS process TIMEOUT 120)
