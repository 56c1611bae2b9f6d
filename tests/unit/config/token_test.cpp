#include "config/token.hpp"
#include "core/errors.hpp"
#include "support/temp_dir.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <type_traits>

using namespace fip;
using config::read_token;
using config::Secret;
using test::TempDir;

namespace {

void put(const std::string& file, const std::string& text, mode_t mode = 0600) {
    std::ofstream{file, std::ios::binary} << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
}

/// $CREDENTIALS_DIRECTORY for one test.
class Credentials {
public:
    explicit Credentials(const std::string& folder) { ::setenv("CREDENTIALS_DIRECTORY", folder.c_str(), 1); }
    ~Credentials() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;
};

ProviderSettings provider(const std::string& token_file) {
    ProviderSettings result;
    result.name = "dedibox";
    result.token_file = token_file;
    return result;
}

struct Folder {
    TempDir dir;
    std::string file = dir / "online.token";
    [[nodiscard]] std::string token() const { return std::string{read_token(provider(file)).reveal()}; }
};

}  // namespace

TEST_CASE("a token is what is in the file, without the newline at its end") {
    const Folder folder;
    put(folder.file, "0123-abc");
    CHECK(folder.token() == "0123-abc");
    put(folder.file, "0123-abc\n");
    CHECK(folder.token() == "0123-abc");
    put(folder.file, "0123-abc\n", 0400);
    CHECK(folder.token() == "0123-abc");
    put(folder.file, std::string(4096, 'x'));
    CHECK(folder.token().size() == 4096);
}

TEST_CASE("a token that others may read is refused, with the command that helps") {
    const Folder folder;
    put(folder.file, "0123-abc", 0640);
    CHECK_THROWS_WITH(folder.token(), folder.file + ": mode 640 lets others in; run: chmod 600 " + folder.file);
    for (const mode_t mode : {0644, 0604, 0620, 0602, 0610, 0601}) {
        put(folder.file, "0123-abc", mode);
        CHECK_THROWS_AS(folder.token(), InputError);
    }
}

TEST_CASE("a file that holds no token is refused, and never quoted") {
    const Folder folder;
    CHECK_THROWS_WITH(folder.token(), folder.file + ": no such file; expected the token of provider dedibox");
    for (const auto& text :
         {std::string{}, std::string{"\n"}, std::string{"secret\n\n"}, std::string{"secret words"},
          std::string{" secret"}, std::string{"secret\r\n"}, std::string{"sec\0ret", 7}, std::string{"secret\t"},
          std::string{"secr\xC3\xA4t"}, std::string(4097, 's'), std::string(4096, 's') + "\n"}) {
        put(folder.file, text);
        try {
            (void)folder.token();
            FAIL("accepted");
        } catch (const InputError& error) {
            CHECK_THAT(error.what(),
                       Catch::StartsWith(folder.file) && !Catch::Contains("secret") && !Catch::Contains("sss"));
        }
    }
    REQUIRE(::unlink(folder.file.c_str()) == 0);
    REQUIRE(::mkfifo(folder.file.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(folder.token(), folder.file + ": expected a regular file");
    CHECK_THROWS_AS(read_token(provider(folder.dir.path())), InputError);
}

TEST_CASE("a systemd credential of the same name comes first") {
    const Folder folder;
    const TempDir credentials;
    const Credentials environment{credentials.path()};
    put(folder.file, "of-the-file");
    CHECK(folder.token() == "of-the-file");
    put(credentials / "online.token", "of-the-credential\n", 0440);
    CHECK(folder.token() == "of-the-credential");
    put(credentials / "online.token", "", 0440);
    CHECK_THROWS_AS(folder.token(), InputError);
}

TEST_CASE("without a file the credential has the provider's name") {
    CHECK_THROWS_WITH(read_token(provider("")),
                      "provider dedibox: no token; set token_file, or give the service a credential dedibox.token");
    const TempDir credentials;
    const Credentials environment{credentials.path()};
    CHECK_THROWS_AS(read_token(provider("")), InputError);
    put(credentials / "dedibox.token", "abc");
    CHECK(read_token(provider("")).reveal() == "abc");
}

TEST_CASE("a folder of credentials that is no absolute path is not used") {
    const Folder folder;
    put(folder.file, "of-the-file");
    for (const std::string path : {"", ".", "x"}) {
        const Credentials environment{path};
        CHECK(folder.token() == "of-the-file");
    }
}

TEST_CASE("a secret is moved, never copied, and wiped") {
    static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
    std::string text = "short";
    Secret first{std::move(text)};
    Secret second{std::move(first)};
    CHECK(second.reveal() == "short");
    CHECK(first.reveal().empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
    second = Secret{std::string{"another"}};
    CHECK(second.reveal() == "another");

    std::string wiped(100, 's');
    const char* const bytes = wiped.data();
    wiped.reserve(100);
    Secret::wipe(wiped);
    CHECK(wiped.empty());
    CHECK(std::string{bytes, 100} == std::string(100, '\0'));
    CHECK(std::move(second).release() == "another");
}
