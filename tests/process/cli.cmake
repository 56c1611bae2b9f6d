add_executable(cli_process_test cli_completion_test.cpp cli_golden_test.cpp cli_guard_test.cpp cli_hypervisors_test.cpp cli_manual_test.cpp cli_online_test.cpp cli_race_test.cpp cli_test.cpp)
target_compile_definitions(cli_process_test PRIVATE
  FIP_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden/cli" FIP_MAN_DIR="${PROJECT_SOURCE_DIR}/man"
  FIP_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" FIP_COMPLETION="${PROJECT_SOURCE_DIR}/cli/completion.bash"
  FIP_SEND_FRAMES="$<TARGET_FILE:send-frames>")
target_link_libraries(cli_process_test PRIVATE fip_cli_host fip_sim_online fip_test_main fip::json)
add_dependencies(cli_process_test failover-ip failover-ip-libvirt failover-ip-provider failover-ip-sim-online send-frames)
catch_discover_tests(cli_process_test TEST_PREFIX "cli: " PROPERTIES LABELS process TIMEOUT 300)
