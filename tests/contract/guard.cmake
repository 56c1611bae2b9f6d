# The guard: real nftables, real frames, in namespaces that each test makes. Needs root.
set(guard_folder ${CMAKE_CURRENT_LIST_DIR})
add_library(fip_guard_ground STATIC ${guard_folder}/guard_frames.cpp ${guard_folder}/guard_ground.cpp)
target_link_libraries(fip_guard_ground PUBLIC fip::guard fip_test_support)

add_executable(guard_contract_test
  ${guard_folder}/guard_bridges_test.cpp
  ${guard_folder}/guard_kernel_test.cpp
  ${guard_folder}/guard_last_wall_test.cpp
  ${guard_folder}/guard_names_test.cpp
  ${guard_folder}/guard_sender_test.cpp
  ${guard_folder}/guard_sources_test.cpp
  ${guard_folder}/guard_watch_test.cpp
)
target_link_libraries(guard_contract_test PRIVATE fip::guard_watch fip_guard_ground fip_test_main)
catch_discover_tests(guard_contract_test TEST_PREFIX "guard: " PROPERTIES LABELS contract TIMEOUT 60)

add_executable(guard_daemons_test ${guard_folder}/guard_daemons_test.cpp)
target_link_libraries(guard_daemons_test PRIVATE fip::daemon fip_guard_ground fip_test_main)
catch_discover_tests(guard_daemons_test TEST_PREFIX "guard: " PROPERTIES LABELS contract TIMEOUT 180)

add_executable(guard_load_test ${guard_folder}/guard_load_test.cpp)
target_link_libraries(guard_load_test PRIVATE fip::guard_watch fip_guard_ground fip_test_main)
catch_discover_tests(guard_load_test TEST_PREFIX "guard: " PROPERTIES LABELS lab RUN_SERIAL ON TIMEOUT 120)
