#include "config/load.hpp"
#include "config/config_error.hpp"
#include "support/temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace fip;
using test::TempDir;

namespace {

const std::string good = "[host]\nname = \"one\"\n";
const std::string other = "[host]\nname = \"two\"\n";
const std::string bad = "[host]\nnaame = \"two\"\n";

void put(const std::string& file, const std::string& text) {
    std::ofstream{file, std::ios::binary} << text;
}

std::string get(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

struct stat status_of(const std::string& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status;
}

struct Folder {
    TempDir dir;
    std::string file = dir / "config.toml";
    std::string copy = dir / "config.accepted.toml";
    [[nodiscard]] config::Accepted accepted() const { return config::load_accepted(file, copy); }
    [[nodiscard]] auto count() const {
        return std::distance(std::filesystem::directory_iterator{dir.path()}, std::filesystem::directory_iterator{});
    }
};

}  // namespace

TEST_CASE("a file is loaded, and its mistakes name it") {
    const Folder folder;
    put(folder.file, good);
    CHECK(config::load(folder.file).host_name == "one");
    put(folder.file, bad);
    CHECK_THROWS_WITH(config::load(folder.file), folder.file + ":2: host.naame: unknown key; did you mean \"name\"?");
    CHECK_THROWS_AS(config::load(folder.file), config::ConfigError);
}

TEST_CASE("what is no readable file is refused at once") {
    const Folder folder;
    CHECK_THROWS_WITH(config::load(folder.file), folder.file + ": no such file");
    CHECK_THROWS_WITH(config::load(folder.dir.path()), folder.dir.path().native() + ": expected a regular file");
    REQUIRE(::mkfifo(folder.file.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(config::load(folder.file), folder.file + ": expected a regular file");
    CHECK_THROWS_AS(config::load("/dev/zero"), InputError);
    CHECK_THROWS_AS(config::load(folder.file + "/x"), InputError);
    const auto huge = folder.dir / "huge.toml";
    put(huge, "");
    std::filesystem::resize_file(huge, 5U << 20U);
    CHECK_THROWS_WITH(config::load(huge), huge + ": longer than 4194304 bytes");
}

TEST_CASE("a hook that finds a good file keeps a copy for its owner only") {
    const Folder folder;
    put(folder.file, good);
    const auto accepted = folder.accepted();
    REQUIRE(accepted.settings);
    CHECK(accepted.settings->host_name == "one");
    CHECK(accepted.problem.empty());
    CHECK(get(folder.copy) == good);
    CHECK((status_of(folder.copy).st_mode & 07777U) == 0600U);
    CHECK(folder.count() == 2);
}

TEST_CASE("the copy is written only when it differs") {
    const Folder folder;
    put(folder.file, good);
    (void)folder.accepted();
    const auto inode = status_of(folder.copy).st_ino;
    (void)folder.accepted();
    CHECK(status_of(folder.copy).st_ino == inode);
    put(folder.file, other);
    (void)folder.accepted();
    CHECK(get(folder.copy) == other);
    REQUIRE(::chmod(folder.copy.c_str(), 0644) == 0);
    (void)folder.accepted();
    CHECK((status_of(folder.copy).st_mode & 07777U) == 0600U);
    CHECK(folder.count() == 2);
}

TEST_CASE("a hook that finds a bad or no file works with the copy") {
    const Folder folder;
    put(folder.file, good);
    (void)folder.accepted();
    put(folder.file, bad);
    auto accepted = folder.accepted();
    REQUIRE(accepted.settings);
    CHECK(accepted.settings->host_name == "one");
    CHECK_THAT(accepted.problem, Catch::Contains("unknown key"));
    CHECK(get(folder.copy) == good);
    std::filesystem::remove(folder.file);
    accepted = folder.accepted();
    CHECK(accepted.settings);
    CHECK_THAT(accepted.problem, Catch::EndsWith("no such file"));
}

TEST_CASE("with neither there are no settings, and the problem is said") {
    const Folder folder;
    CHECK_FALSE(folder.accepted().settings);
    put(folder.file, bad);
    put(folder.copy, bad);
    const auto accepted = folder.accepted();
    CHECK_FALSE(accepted.settings);
    CHECK_THAT(accepted.problem, Catch::StartsWith(folder.file));
}

TEST_CASE("a copy that cannot be written does not stop a hook") {
    const Folder folder;
    put(folder.file, good);
    const auto accepted = config::load_accepted(folder.file, folder.dir / "missing/copy.toml");
    CHECK(accepted.settings);
    CHECK(accepted.problem.empty());
    CHECK_THROWS_AS(config::keep_copy(folder.file, folder.dir / "missing/copy.toml"), InputError);
}

TEST_CASE("a copy that cannot replace what is there leaves nothing behind") {
    const Folder folder;
    put(folder.file, good);
    REQUIRE(::mkdir(folder.copy.c_str(), 0700) == 0);
    put(folder.copy + "/x", "x");
    CHECK_THROWS_AS(config::keep_copy(folder.file, folder.copy), InputError);
    CHECK(folder.count() == 2);
}

TEST_CASE("a bad file never becomes the copy") {
    const Folder folder;
    put(folder.file, good);
    config::keep_copy(folder.file, folder.copy);
    put(folder.file, bad);
    CHECK_THROWS_AS(config::keep_copy(folder.file, folder.copy), config::ConfigError);
    CHECK(get(folder.copy) == good);
}

TEST_CASE("only the default file is remembered") {
    const Folder folder;
    put(folder.file, good);
    struct stat before {};
    const bool was_there = ::stat(config::accepted_file, &before) == 0;
    config::remember(folder.file);
    struct stat after {};
    CHECK((::stat(config::accepted_file, &after) == 0) == was_there);
    if (was_there) CHECK(after.st_ino == before.st_ino);
}
