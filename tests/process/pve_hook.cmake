# The hookscript as Proxmox calls it, on a host of its own and on a simulated node.
add_executable(pve_hook_process_test pve_hook_move_test.cpp pve_hook_node_test.cpp pve_hook_put_right_test.cpp pve_hook_test.cpp)
target_compile_definitions(pve_hook_process_test PRIVATE FIP_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(pve_hook_process_test PRIVATE fip_cli_host fip_pve_node fip_test_main fip::sqlite)
add_dependencies(pve_hook_process_test failover-ip failover-ip-proxmox-hook)
catch_discover_tests(pve_hook_process_test TEST_PREFIX "pve hook: " PROPERTIES LABELS process TIMEOUT 120)
