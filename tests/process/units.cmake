# The systemd units: their settings, and what they execute with the capabilities that they leave it.
add_executable(units_process_test units_test.cpp)
target_compile_definitions(units_process_test PRIVATE
  FIP_UNIT_DIR="${PROJECT_SOURCE_DIR}/libvirt-plugin" FIP_PVE_UNIT_DIR="${PROJECT_SOURCE_DIR}/proxmox"
  FIP_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(units_process_test PRIVATE fip_cli_host fip_test_main)
add_dependencies(units_process_test failover-ip failover-ip-libvirt failover-ip-proxmox)
catch_discover_tests(units_process_test TEST_PREFIX "units: " PROPERTIES LABELS process TIMEOUT 120)
