# The watcher on a simulated Proxmox VE node, against the provider's simulator.
add_library(fip_pve_lab STATIC pve_lab.cpp)
target_compile_definitions(fip_pve_lab PRIVATE FIP_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(fip_pve_lab PUBLIC fip_pve_node fip_sim_online fip::store fip::proxmox_config)
add_dependencies(fip_pve_lab failover-ip failover-ip-provider failover-ip-proxmox failover-ip-proxmox-hook)

add_executable(pve_watch_test pve_cluster_test.cpp pve_life_test.cpp pve_start_test.cpp pve_writes_test.cpp)
target_compile_definitions(pve_watch_test PRIVATE FIP_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(pve_watch_test PRIVATE fip_pve_lab fip_proxmox fip_test_main)
catch_discover_tests(pve_watch_test TEST_PREFIX "pve watch: " PROPERTIES LABELS process TIMEOUT 180)

add_executable(pve_kill_test pve_kill_test.cpp)
target_link_libraries(pve_kill_test PRIVATE fip_pve_lab fip_lab_support fip_test_main)
catch_discover_tests(pve_kill_test TEST_PREFIX "pve kill: " PROPERTIES LABELS process TIMEOUT 600)

add_executable(pve_guard_test pve_guard_test.cpp)
target_compile_definitions(pve_guard_test PRIVATE
  FIP_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" FIP_SEND_FRAMES="$<TARGET_FILE:send-frames>")
target_link_libraries(pve_guard_test PRIVATE fip_pve_lab fip_test_main)
add_dependencies(pve_guard_test send-frames)
catch_discover_tests(pve_guard_test TEST_PREFIX "pve guard: " PROPERTIES LABELS process TIMEOUT 120)

add_executable(pve_firewall_test pve_firewall_test.cpp)
target_link_libraries(pve_firewall_test PRIVATE fip_pve_node fip_fakes fip_proxmox fip_test_main)
catch_discover_tests(pve_firewall_test TEST_PREFIX "pve firewall: " PROPERTIES LABELS process TIMEOUT 120)
