#pragma once

#include "app/inventory.hpp"
#include "app/look.hpp"
#include "app/settle.hpp"
#include "fakes/fake_failover_api.hpp"
#include "fakes/fake_guests.hpp"
#include "fakes/memory_lease_store.hpp"
#include "support/fake_clock.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip::test {

/// Thrown where a process would have been killed; no std::exception, so that nobody takes it for an error.
struct Killed {};

/// Counts the effects of a run and kills it before or after one of them.
class Fuse {
public:
    enum class Moment { before, after };

    void arm(int effect, Moment moment) {
        effect_ = effect;
        moment_ = moment;
        count_ = 0;
    }
    void disarm() { effect_ = -1; }
    [[nodiscard]] int count() const { return count_; }
    void before() const {
        if (count_ == effect_ && moment_ == Moment::before) throw Killed{};
    }
    void after() {
        if (count_++ == effect_ && moment_ == Moment::after) throw Killed{};
    }

private:
    int effect_ = -1;
    Moment moment_ = Moment::before;
    int count_ = 0;
};

/// The store behind a fuse: each transaction is one effect.
class FusedStore final : public LeaseStore {
public:
    FusedStore(LeaseStore& store, Fuse& fuse) : store_{store}, fuse_{fuse} {}

    void write(const std::function<void(Rows&)>& work) override {
        fuse_.before();
        store_.write(work);
        fuse_.after();
    }
    void read(const std::function<void(const Rows&)>& work) const override { store_.read(work); }

private:
    LeaseStore& store_;
    Fuse& fuse_;
};

class FakeLock final : public ProviderLock {
public:
    [[nodiscard]] std::unique_ptr<HeldLock> hold(const std::string&) override { return std::make_unique<Held>(); }
    [[nodiscard]] std::unique_ptr<HeldLock> hold_guard() override { return std::make_unique<Held>(); }

private:
    struct Held final : HeldLock {};
};

inline const std::string this_server = "192.0.2.10";
inline const std::string other_server = "192.0.2.99";

/// One pool "public" on br0 at the provider "dedibox".
[[nodiscard]] Settings simple_settings();

/// A host with a provider, guests and a store, and what the daemon does when it hears of something.
class World {
public:
    explicit World(Settings wanted = simple_settings());

    [[nodiscard]] Context context();
    [[nodiscard]] ProviderAccess access();

    /// Addresses 203.0.113.1 and up, routed here.
    void add_addresses(int count);

    /// The event that libvirt sends for a changed or started guest.
    void look(const GuestId& guest);
    /// UNDEFINED of a stopped guest, or STOPPED of one without definition: the daemon asks before it believes it.
    void heard_gone(const GuestId& guest);
    Settled settle_once(Sync sync = Sync::when_due);
    /// What the daemon's workers do until nobody has anything to do now; time passes for what is due later.
    void run_until_quiet(std::chrono::milliseconds patience = std::chrono::seconds{40});
    LookedAtAll compare(Permission permission = {});
    /// A host whose daemon has run before: guests that come now are served at once.
    void start_daemon();

    [[nodiscard]] std::vector<Lease> leases();
    [[nodiscard]] std::vector<Lease> held();
    [[nodiscard]] std::vector<Lease> held_by(const GuestId& guest);
    [[nodiscard]] std::optional<Lease> row(const std::string& address);
    [[nodiscard]] std::vector<GuestNote> notes(NoteKind kind);
    [[nodiscard]] Mac mac_of(const GuestId& guest, std::size_t nic = 0);

    /// Rules 1 and 2 and "nothing leaked", for a host where nobody but the daemon writes; empty: they hold.
    [[nodiscard]] std::string broken_rule();

    Settings settings;
    std::map<std::string, ProviderTraits> traits;
    FakeClock clock;
    FakeGuests guests;
    std::shared_ptr<FakeAccount> account = std::make_shared<FakeAccount>();
    MemoryLeaseStore disk;
    Fuse fuse;
    FusedStore store{disk, fuse};
    FakeLock lock;
    std::vector<Happening> log;
    std::set<Address> moved;          ///< A person changed them at the provider: what stands there need not be ours.
    std::vector<std::string> wrongs;  ///< Rules that were broken at the moment of a call.

private:
    void take_note(const Looked& looked);
    void check_revoke();
    void watch(ApiCall call);

    FakeFailoverApi api_{account};
    FakeReverseDns rdns_{account};
    std::uint64_t random_ = 1;
    std::map<Address, std::optional<Mac>> macs_before_;
};

[[nodiscard]] std::string texts(const std::vector<Happening>& log);

}  // namespace fip::test
