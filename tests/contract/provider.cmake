# The providers: the fake, and the adapter of the Online API over HTTP to its simulator.
find_package(OpenSSL REQUIRED)  # certificates for the test of their verification

add_executable(provider_test
  provider_http_test.cpp
  provider_online_test.cpp
  provider_parts_test.cpp
  provider_replies_test.cpp
  provider_server_test.cpp
  provider_servers.cpp
  provider_simulator_test.cpp
  provider_test.cpp
)
target_link_libraries(provider_test PRIVATE
  fip::providers fip_fakes fip_sim_online fip_test_support fip_test_main
  PkgConfig::HTTPLIB OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
catch_discover_tests(provider_test PROPERTIES LABELS contract)
