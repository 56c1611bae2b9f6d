// Parts of the daemon that need no libvirt.
#include "definitions.hpp"
#include "fakes/fake_guests.hpp"
#include "fakes/memory_lease_store.hpp"
#include "kept_refusals.hpp"
#include "ports/guest_source.hpp"
#include "redefine_limit.hpp"
#include "support/temp_dir.hpp"
#include "tasks.hpp"
#include "worn_mac.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace fip;
using namespace fip::plugin;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

constexpr auto uuid = "6f1b1f5e-0000-4000-8000-000000000001";

std::optional<Task> next(Tasks& tasks) {
    return tasks.pop(std::chrono::steady_clock::now());
}

void write(const std::string& file, const std::string& text) {
    std::ofstream{file} << text;
}

}  // namespace

TEST_CASE("looks at one guest are queued once, and evidence keeps its place between them", "[unit]") {
    Tasks tasks;
    tasks.push({Task::Kind::look, "a", {}, 0, {}});
    tasks.push({Task::Kind::look, "a", {}, 0, {}});
    tasks.push({Task::Kind::left, "a", {}, 0, {}});
    tasks.push({Task::Kind::maybe_gone, "a", {}, 0, {}});
    tasks.push({Task::Kind::look, "a", {}, 0, {}});
    tasks.push({Task::Kind::compare, {}, {}, 0, {}});
    tasks.push({Task::Kind::compare, {}, {}, 0, {}});
    for (const auto kind :
         {Task::Kind::look, Task::Kind::left, Task::Kind::maybe_gone, Task::Kind::look, Task::Kind::compare}) {
        const auto task = next(tasks);
        REQUIRE(task);
        CHECK(task->kind == kind);
    }
    CHECK_FALSE(next(tasks));
    tasks.push({Task::Kind::look, "a", {}, 0, {}});
    CHECK(next(tasks));

    SECTION("what could not be done comes first again") {
        tasks.push({Task::Kind::look, "b", {}, 0, {}});
        tasks.push_front({Task::Kind::left, "a", {}, 0, {}});
        CHECK(next(tasks)->kind == Task::Kind::left);
    }
    SECTION("stopped, nothing is handed out and nobody waits") {
        tasks.push({Task::Kind::look, "b", {}, 0, {}});
        std::thread waiting{[&] { CHECK_FALSE(tasks.pause(1h)); }};
        tasks.stop();
        waiting.join();
        CHECK_FALSE(tasks.pop(std::chrono::steady_clock::now() + 1h));
    }
}

TEST_CASE("guests that start go before NICs that have gone, and both before everything else", "[unit]") {
    Tasks tasks;
    tasks.push({Task::Kind::look, "a", {}, 0, {}});
    tasks.push({Task::Kind::removed, "b", {}, 0, {}});
    tasks.push({Task::Kind::started, "c", {}, 0, {}});
    tasks.push({Task::Kind::removed, "d", {}, 0, {}});
    tasks.push({Task::Kind::started, "e", {}, 0, {}});
    for (const auto* guest : {"c", "e", "b", "d", "a"}) {
        const auto task = next(tasks);
        REQUIRE(task);
        CHECK(task->uuid == guest);
    }
}

TEST_CASE("a uuid is found in a definition as libvirt reads it", "[unit]") {
    CHECK(uuid_in("<domain><name>x</name><uuid>6F1B1F5E-0000-4000-8000-000000000001</uuid></domain>") == uuid);
    CHECK(uuid_in("<uuid>6f1b1f5e000040008000000000000001</uuid>") == uuid);
    for (const auto* wrong :
         {"", "<uuid>", "<uuid></uuid>", "<uuid>6f1b1f5e</uuid>", "<uuid>6f1b1f5e-0000",
          "<uuid>zf1b1f5e-0000-4000-8000-000000000001</uuid>", "<uuid>6f1b1f5e-0000-4000-8000-0000000000011</uuid>"}) {
        CHECK(uuid_in(wrong).empty());
    }
}

TEST_CASE("the folder of definitions is read as libvirt reads it, and again only where it changed", "[unit]") {
    TempDir dir;
    DefinitionFolder folder{dir.path()};
    const auto text = "<domain><uuid>" + std::string{uuid} + "</uuid></domain>";
    write(dir / "web1.xml", text);
    write(dir / "broken.xml", "<domain>");
    write(dir / "web1.xml.new", text);
    write(dir / ".hidden.xml", text);
    write(dir / ".xml", text);
    std::filesystem::create_directory(dir / "networks");
    auto found = folder.scan();
    std::ranges::sort(found, {}, &DefinitionFolder::Definition::name);
    REQUIRE(found.size() == 2);
    CHECK(found[0].name == "broken");
    CHECK(found[0].uuid.empty());
    CHECK(found[1].file == dir / "web1.xml");
    CHECK(found[1].uuid == uuid);

    write(dir / "web1.xml", "<domain><uuid>6f1b1f5e-0000-4000-8000-000000000002</uuid></domain>  ");
    std::filesystem::remove(dir / "broken.xml");
    found = folder.scan();
    REQUIRE(found.size() == 1);
    CHECK(found[0].uuid == "6f1b1f5e-0000-4000-8000-000000000002");

    DefinitionFolder nowhere{dir / "missing"};
    CHECK_THROWS_AS(nowhere.scan(), GuestsUnavailable);
}

TEST_CASE("one guest's definition is written a few times per minute at most", "[unit]") {
    RedefineLimit limit;
    const auto start = std::chrono::steady_clock::time_point{} + 1h;
    for (std::size_t i = 0; i < RedefineLimit::most; ++i) CHECK(limit.allows("a", start + i * 1s));
    CHECK_FALSE(limit.allows("a", start + 59s));
    CHECK(limit.allows("b", start + 59s));
    CHECK(limit.allows("a", start + 60s));
    CHECK_FALSE(limit.allows("a", start + 60s));
}

TEST_CASE("a refused definition ends no look: it is kept for the log", "[unit]") {
    FakeGuests guests;
    const auto id = guests.define(uuid, "web1", {FakeGuests::nic("br0")});
    KeptRefusals kept{guests};
    CHECK(kept.write(guests.at(id), {}));
    CHECK(kept.refused().empty());
    guests.refuses_writes = true;
    CHECK_FALSE(kept.write(guests.at(id), {}));
    REQUIRE(kept.refused().size() == 1);
    CHECK(kept.refused()[0].guest == id);
    CHECK(kept.refused()[0].text == "the hypervisor refused the definition");
}

TEST_CASE("a wrong MAC is blocked unless it is registered, and then it is said whose it is", "[unit]") {
    const auto worn = Mac::parse("02:00:00:00:00:01");
    const GuestId twin{GuestKind::libvirt, uuid};
    MemoryLeaseStore store;
    const auto owner = [&] {
        std::string found;
        store.read([&](const Rows& rows) { found = owner_of(rows, twin, worn); });
        return found;
    };
    CHECK(owner().empty());
    CHECK(advice_on(worn, owner()).find("is blocked") != std::string::npos);

    ProviderAddress registered;
    registered.address = Address::parse("192.0.2.5");
    registered.mac = worn;
    store.write([&](Rows& rows) { rows.provider.replace("dedibox", {registered}); });
    CHECK(owner() == "192.0.2.5");

    Lease lease;
    lease.address = registered.address;
    lease.provider = "dedibox";
    lease.state = LeaseState::active;
    lease.mac = worn;
    lease.guest = GuestId{GuestKind::libvirt, "another"};
    lease.guest_name = "own";
    store.write([&](Rows& rows) { rows.leases.put(lease); });
    CHECK(owner() == "the guest own (192.0.2.5)");
    CHECK(advice_on(worn, owner()) ==
          "it wears the MAC 02:00:00:00:00:01 of the guest own (192.0.2.5), and nothing blocks what it sends: "
          "stop it now");
    lease.guest = twin;
    store.write([&](Rows& rows) { rows.leases.put(lease); });
    CHECK(owner().empty());
}
