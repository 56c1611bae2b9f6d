// Does one effect of each kind, in a known order, for kill_at_test.
#include <curl/curl.h>
#include <libvirt/libvirt.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <memory>

namespace {
void run(sqlite3* database, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
}
}  // namespace

int main(int, char** argv) {
    sqlite3* database = nullptr;
    sqlite3_open(argv[1], &database);
    run(database, "PRAGMA synchronous = FULL");
    sqlite3_exec(database, "CREATE TABLE t (n INTEGER)", nullptr, nullptr, nullptr);  // 1
    run(database, "BEGIN IMMEDIATE");
    run(database, "INSERT INTO t VALUES (1)");
    run(database, "COMMIT");                    // 2
    run(database, "INSERT INTO t VALUES (2)");  // 3
    sqlite3_exec(database, "SELECT * FROM t", nullptr, nullptr, nullptr);
    sqlite3_close(database);

    CURL* handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, "http://127.0.0.1:1/api/v1/server/failover");
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "POST");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 100L);
    curl_easy_perform(handle);  // 4
    curl_easy_cleanup(handle);

    virConnectPtr connection = virConnectOpen("test:///default");
    virDomainPtr domain = virDomainDefineXML(  // 5
        connection, "<domain type='test'><name>v</name><memory>1024</memory><os><type>hvm</type></os></domain>");
    virDomainUndefine(domain);  // 6
    virDomainFree(domain);
    virConnectClose(connection);
    std::printf("%lld\n", static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(
                                                     std::chrono::system_clock::now().time_since_epoch())
                                                     .count()));
    return 0;
}
