# What `cmake --install` puts on a machine, run from there.
add_executable(installed_test installed_test.cpp)
target_compile_definitions(installed_test PRIVATE
  FIP_BUILD_DIR="${CMAKE_BINARY_DIR}" FIP_CMAKE="${CMAKE_COMMAND}" FIP_PREFIX="${CMAKE_INSTALL_PREFIX}"
  FIP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(installed_test PRIVATE fip_cli_host fip_test_main)
add_dependencies(installed_test
  failover-ip failover-ip-hook failover-ip-libvirt failover-ip-provider failover-ip-proxmox failover-ip-proxmox-hook)
catch_discover_tests(installed_test TEST_PREFIX "installed: " PROPERTIES LABELS process TIMEOUT 120)
