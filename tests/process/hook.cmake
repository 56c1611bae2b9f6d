# The hook as libvirt calls it, and the command line as people do, on a host of their own.
add_library(fip_cli_host STATIC cli_daemon.cpp cli_host.cpp host_network.cpp)
target_compile_definitions(fip_cli_host PRIVATE
  FIP_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" FIP_CLI_HOST="${CMAKE_CURRENT_SOURCE_DIR}/cli-host")
target_link_libraries(fip_cli_host PUBLIC fip_test_support fip::store Threads::Threads)

add_executable(hook_process_test hook_deadline_test.cpp hook_guard_test.cpp hook_late_test.cpp hook_store_test.cpp hook_test.cpp)
target_link_libraries(hook_process_test PRIVATE fip_cli_host fip_test_main fip::sqlite)
add_dependencies(hook_process_test failover-ip failover-ip-hook)
catch_discover_tests(hook_process_test TEST_PREFIX "hook: " PROPERTIES LABELS process TIMEOUT 120)
