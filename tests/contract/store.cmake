# The lease store: in memory and in SQLite.
add_executable(store_racer store_racer.cpp)  # a process that the tests start, race and kill
target_link_libraries(store_racer PRIVATE fip::store)

add_executable(lease_store_test
  lease_store_guard_test.cpp
  lease_store_guests_test.cpp
  lease_store_provider_test.cpp
  lease_store_random_test.cpp
  lease_store_sqlite_test.cpp
  lease_store_sync_test.cpp
  lease_store_test.cpp
  lease_store_trouble_test.cpp
)
target_link_libraries(lease_store_test PRIVATE fip::store fip::sqlite fip_fakes fip_test_support fip_test_main)
target_compile_definitions(lease_store_test PRIVATE FIP_STORE_RACER="$<TARGET_FILE:store_racer>"
  FIP_SCHEMA_1="${PROJECT_SOURCE_DIR}/common/store/schema.sql")
add_dependencies(lease_store_test store_racer)
catch_discover_tests(lease_store_test TEST_SPEC "~[.long]" PROPERTIES LABELS contract)
catch_discover_tests(lease_store_test TEST_SPEC "[.long]" PROPERTIES LABELS long)
