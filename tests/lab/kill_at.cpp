// Preloaded into the real daemon: numbers its effects on the world and kills it before or after a chosen one.
//
//   LD_PRELOAD=libfip_kill_at.so
//   FIP_EFFECTS_FILE=FILE          one line per effect: "<number> <kind> <detail>"
//   FIP_KILL_AT=<number>:before    SIGKILL when effect <number> is about to happen (its line is written already)
//   FIP_KILL_AT=<number>:after     SIGKILL when it has happened and its caller does not know yet
//   FIP_KILL_AT=<kind> <detail>:before  the first effect of these words, whatever its number: threads take turns
//   FIP_KILL_PROGRAM=<name>        only in the program of that name: children inherit the environment
//
// An effect is a COMMIT or a write outside a transaction (SQLite), a request (libcurl), a call that changes a domain
// (libvirt), a program that is run. Numbers are given process-wide, in the order in which effects begin. It sees shared
// libraries only: a static program has nothing to preload into. An ASan build must have the sanitizer first:
//   LD_PRELOAD="$(g++ -print-file-name=libasan.so) libfip_kill_at.so"
// and this library built without it, as it is.

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <strings.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

namespace {

struct Plan {
    bool is_active = true;
    long kill_at = -1;
    std::string kill_words;
    bool is_before = true;
    std::string effects_file;

    Plan() {
        const char* program = std::getenv("FIP_KILL_PROGRAM");
        is_active = program == nullptr || std::strcmp(program, program_invocation_short_name) == 0;
        if (const char* at = std::getenv("FIP_KILL_AT")) {
            const std::string text = at;
            const auto colon = text.rfind(':');
            if (colon == std::string::npos) std::abort();  // a test that kills nothing would pass
            is_before = text.substr(colon) == ":before";
            if (!is_before && text.substr(colon) != ":after") std::abort();
            char* rest = nullptr;
            kill_at = std::strtol(at, &rest, 10);
            if (rest == at) kill_words = text.substr(0, colon);
            if (rest == at) kill_at = -1;
        }
        if (const char* file = std::getenv("FIP_EFFECTS_FILE")) effects_file = file;
    }
};

const Plan& plan() {
    static const Plan instance;
    return instance;
}

std::atomic<long> effects{0};
std::atomic<bool> were_words_met{false};
std::atomic<long> kill_number{-1};        // of the effect with the wanted words
thread_local bool inside_effect = false;  // sqlite3_exec steps, a libvirt call may use another

bool is_wanted(long number) {
    return number == plan().kill_at || number == kill_number;
}

long begin(const char* kind, const std::string& detail) {
    const long number = ++effects;
    if (!plan().effects_file.empty()) {
        const auto line = std::to_string(number) + " " + kind + " " + detail + "\n";
        const int file = ::open(plan().effects_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
        ::close(file);
    }
    const bool has_words = !plan().kill_words.empty() && std::string{kind} + " " + detail == plan().kill_words;
    if (has_words && !were_words_met.exchange(true)) kill_number = number;
    if (is_wanted(number) && plan().is_before) ::kill(::getpid(), SIGKILL);
    return number;
}

void end(long number) {
    if (is_wanted(number) && !plan().is_before) ::kill(::getpid(), SIGKILL);
}

template <typename Call>
auto effect(const char* kind, const std::string& detail, Call call) {
    if (inside_effect || !plan().is_active) return call();
    inside_effect = true;
    const int caller_errno = errno;
    const long number = begin(kind, detail);
    errno = caller_errno;
    const auto result = call();
    end(number);
    inside_effect = false;
    return result;
}

// The function that the program would have called without us.
template <typename Function>
Function* next(const char* name) {
    auto* found = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
    if (found == nullptr) std::abort();
    return found;
}

bool begins(const char* sql, const char* word) {
    while (*sql == ' ' || *sql == '\n' || *sql == '\t') ++sql;
    return ::strncasecmp(sql, word, std::strlen(word)) == 0;
}

bool is_commit(const char* sql) {
    return begins(sql, "COMMIT") || begins(sql, "END");
}

bool is_write_alone(sqlite3* database, const char* sql) {
    if (sqlite3_get_autocommit(database) == 0) return false;
    for (const char* word : {"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER", "WITH"}) {
        if (begins(sql, word)) return true;
    }
    return false;
}

std::string first_line(const char* sql) {
    const std::string text = sql;
    return text.substr(0, std::min(text.find('\n'), std::size_t{100}));
}

struct Request {
    std::string method = "GET";
    std::string url;
};
std::mutex requests_lock;
std::map<CURL*, Request> requests;  // what the options said so far; handles are few and live long

std::string describe(CURL* handle) {
    const std::lock_guard lock{requests_lock};
    const auto& request = requests[handle];
    const auto host = request.url.find("://");
    const auto path = host == std::string::npos ? host : request.url.find('/', host + 3);
    return request.method + " " + (path == std::string::npos ? request.url : request.url.substr(path));
}

void remember(CURL* handle, CURLoption option, void* value) {
    const std::lock_guard lock{requests_lock};
    auto& request = requests[handle];
    const auto* text = static_cast<const char*>(value);
    if (option == CURLOPT_URL && text != nullptr) request.url = text;
    if (option == CURLOPT_CUSTOMREQUEST) request.method = text != nullptr ? text : "GET";
    if (option == CURLOPT_HTTPGET && value != nullptr) request.method = "GET";
    if (option == CURLOPT_POST && value != nullptr) request.method = "POST";
}

}  // namespace

// The interposed functions, with their own libraries' prototypes.
extern "C" {

int sqlite3_step(sqlite3_stmt* statement) {
    static auto* const real = next<int(sqlite3_stmt*)>("sqlite3_step");
    const char* sql = sqlite3_sql(statement);
    if (sql == nullptr) return real(statement);
    if (is_commit(sql)) return effect("commit", "", [&] { return real(statement); });
    if (!is_write_alone(sqlite3_db_handle(statement), sql)) return real(statement);
    return effect("write", first_line(sql), [&] { return real(statement); });
}

int sqlite3_exec(sqlite3* database, const char* sql, int (*row)(void*, int, char**, char**), void* context,
                 char** error) {
    static auto* const real = next<decltype(sqlite3_exec)>("sqlite3_exec");
    const auto call = [&] { return real(database, sql, row, context, error); };
    if (sql != nullptr && is_commit(sql)) return effect("commit", "", call);
    if (sql != nullptr && is_write_alone(database, sql)) return effect("write", first_line(sql), call);
    return call();
}

// Declared without its dots: an option's value is a pointer, a long or an offset, in a register of its own in each
// case.
CURLcode fip_curl_easy_setopt(CURL* handle, CURLoption option, void* value) __asm__("curl_easy_setopt");
CURLcode fip_curl_easy_setopt(CURL* handle, CURLoption option, void* value) {
    static auto* const real = next<CURLcode(CURL*, CURLoption, ...)>("curl_easy_setopt");
    remember(handle, option, value);
    return real(handle, option, value);
}

void curl_easy_reset(CURL* handle) {
    static auto* const real = next<void(CURL*)>("curl_easy_reset");
    {
        const std::lock_guard lock{requests_lock};
        requests.erase(handle);
    }
    real(handle);
}

CURLcode curl_easy_perform(CURL* handle) {
    static auto* const real = next<CURLcode(CURL*)>("curl_easy_perform");
    return effect("request", describe(handle), [&] { return real(handle); });
}

virDomainPtr virDomainDefineXML(virConnectPtr connection, const char* xml) {
    static auto* const real = next<decltype(virDomainDefineXML)>("virDomainDefineXML");
    return effect("libvirt", "virDomainDefineXML", [&] { return real(connection, xml); });
}

virDomainPtr virDomainDefineXMLFlags(virConnectPtr connection, const char* xml, unsigned int flags) {
    static auto* const real = next<decltype(virDomainDefineXMLFlags)>("virDomainDefineXMLFlags");
    return effect("libvirt", "virDomainDefineXMLFlags", [&] { return real(connection, xml, flags); });
}

int virDomainSetMetadata(virDomainPtr domain, int type, const char* metadata, const char* key, const char* uri,
                         unsigned int flags) {
    static auto* const real = next<decltype(virDomainSetMetadata)>("virDomainSetMetadata");
    return effect("libvirt", "virDomainSetMetadata", [&] { return real(domain, type, metadata, key, uri, flags); });
}

#define FIP_DOMAIN_CALL(name)                                          \
    int name(virDomainPtr domain) {                                    \
        static auto* const real = next<decltype(name)>(#name);         \
        return effect("libvirt", #name, [&] { return real(domain); }); \
    }
#define FIP_DOMAIN_FLAGS_CALL(name)                                           \
    int name(virDomainPtr domain, unsigned int flags) {                       \
        static auto* const real = next<decltype(name)>(#name);                \
        return effect("libvirt", #name, [&] { return real(domain, flags); }); \
    }
#define FIP_DEVICE_CALL(name)                                                \
    int name(virDomainPtr domain, const char* text) {                        \
        static auto* const real = next<decltype(name)>(#name);               \
        return effect("libvirt", #name, [&] { return real(domain, text); }); \
    }
#define FIP_DEVICE_FLAGS_CALL(name)                                                 \
    int name(virDomainPtr domain, const char* text, unsigned int flags) {           \
        static auto* const real = next<decltype(name)>(#name);                      \
        return effect("libvirt", #name, [&] { return real(domain, text, flags); }); \
    }

// A program of ours is about to run: nft. The child is not the one to be killed.
pid_t fork() {
    static auto* const real = next<pid_t()>("fork");
    if (inside_effect || !plan().is_active) return real();
    const long number = begin("run", "a program");
    const pid_t child = real();
    if (child != 0) end(number);
    return child;
}

// qm or pct of a Proxmox node.
int posix_spawnp(pid_t* child, const char* file, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
    static auto* const real = next<decltype(posix_spawnp)>("posix_spawnp");
    return effect("run", file, [&] { return real(child, file, actions, attributes, argv, envp); });
}

FIP_DOMAIN_CALL(virDomainUndefine)
FIP_DOMAIN_CALL(virDomainCreate)
FIP_DOMAIN_CALL(virDomainDestroy)
FIP_DOMAIN_CALL(virDomainShutdown)
FIP_DOMAIN_CALL(virDomainSuspend)
FIP_DOMAIN_CALL(virDomainResume)
FIP_DOMAIN_FLAGS_CALL(virDomainUndefineFlags)
FIP_DOMAIN_FLAGS_CALL(virDomainReset)
FIP_DEVICE_CALL(virDomainAttachDevice)
FIP_DEVICE_CALL(virDomainDetachDevice)
FIP_DEVICE_FLAGS_CALL(virDomainAttachDeviceFlags)
FIP_DEVICE_FLAGS_CALL(virDomainDetachDeviceFlags)
FIP_DEVICE_FLAGS_CALL(virDomainUpdateDeviceFlags)
FIP_DEVICE_FLAGS_CALL(virDomainDetachDeviceAlias)
}
