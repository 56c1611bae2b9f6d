# The simulated Proxmox VE node, held against what a real one did.
add_executable(pve_simulator_test pve_recorded_test.cpp pve_simulator_test.cpp)
target_compile_definitions(pve_simulator_test PRIVATE FIP_PVE_DATA="${PROJECT_SOURCE_DIR}/../shared/data/pve")
target_link_libraries(pve_simulator_test PRIVATE fip_pve_node fip_test_main fip::json Threads::Threads)
catch_discover_tests(pve_simulator_test TEST_PREFIX "pve: " PROPERTIES LABELS process TIMEOUT 120)
