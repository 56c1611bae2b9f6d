# Setting a Proxmox VE node up, taking it down, and the doctor.
add_executable(pve_install_test cli_doctor_test.cpp pve_doctor_test.cpp pve_install_test.cpp pve_uninstall_test.cpp)
target_compile_definitions(pve_install_test PRIVATE FIP_BIN="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(pve_install_test PRIVATE fip_pve_node fip_cli_host fip::doctor fip::store fip_test_main)
add_dependencies(pve_install_test failover-ip failover-ip-proxmox failover-ip-proxmox-hook)
catch_discover_tests(pve_install_test TEST_PREFIX "pve install: " PROPERTIES LABELS process TIMEOUT 120)
