# Libraries of others, each behind one target that says how it is linked. All from Debian 12's packages.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(LibXml2 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(LIBVIRT REQUIRED IMPORTED_TARGET libvirt>=9.0)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)

# Header-only, because the static programs cannot use the shared library.
add_library(fip_fmt INTERFACE)
add_library(fip::fmt ALIAS fip_fmt)
target_link_libraries(fip_fmt INTERFACE fmt::fmt-header-only)

add_library(fip_json INTERFACE)
add_library(fip::json ALIAS fip_json)

find_library(FIP_BOOST_JSON_FILE libboost_json.a REQUIRED)
target_link_libraries(fip_json INTERFACE ${FIP_BOOST_JSON_FILE})
find_library(FIP_EXPAT_FILE libexpat.a REQUIRED)
add_library(fip_expat INTERFACE)
add_library(fip::expat ALIAS fip_expat)
target_link_libraries(fip_expat INTERFACE ${FIP_EXPAT_FILE})

# SQLite comes shared where the program is, and static where the program is: a plain -lsqlite3 decides at link time.
add_library(fip_sqlite INTERFACE)
add_library(fip::sqlite ALIAS fip_sqlite)
target_link_libraries(fip_sqlite INTERFACE sqlite3)
