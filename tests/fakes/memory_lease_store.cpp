#include "fakes/memory_lease_store.hpp"

#include "core/errors.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace fip::test {
namespace {

struct Tables {
    std::map<Address, Lease> leases;
    std::map<std::pair<Address, std::string>, ProviderAddress> addresses;  ///< By address, then provider.
    std::map<std::string, ProviderStatus, std::less<>> statuses;
    std::vector<GuestNote> notes;  ///< In the order of their first put.
    std::map<std::string, std::string, std::less<>> values;
    std::map<std::string, std::vector<GuardMac>, std::less<>> guard_macs;  ///< By provider.
    std::vector<BlockedSender> senders;                                    ///< Latest first.
};

/// What a transaction sees and changes: a draft that takes the place of the tables when it is committed.
class Draft {
public:
    enum class Phase { idle, reading, writing };

    [[nodiscard]] const Tables& seen() const {
        if (phase_ == Phase::idle) throw StoreError{"the store was asked outside of a transaction"};
        return draft_ ? *draft_ : tables_;
    }
    [[nodiscard]] Tables& changed() {
        if (phase_ != Phase::writing) throw StoreError{"the store was to be changed in a transaction that only reads"};
        if (!draft_) draft_ = tables_;
        return *draft_;
    }
    void begin(Phase phase) {
        if (phase_ != Phase::idle) throw StoreError{"the store is in a transaction already: they do not nest"};
        phase_ = phase;
    }
    void commit() {
        if (draft_) tables_ = std::move(*draft_);
    }
    void end() noexcept {
        draft_.reset();
        phase_ = Phase::idle;
    }

private:
    Tables tables_;
    std::optional<Tables> draft_;
    Phase phase_ = Phase::idle;
};

template <typename Wanted>
std::vector<Lease> leases_where(const Tables& tables, const Wanted& is_wanted) {
    std::vector<Lease> found;
    for (const auto& [address, lease] : tables.leases) {
        if (is_wanted(lease)) found.push_back(lease);
    }
    return found;
}

class MemoryLeaseRows final : public LeaseRows {
public:
    explicit MemoryLeaseRows(Draft& draft) : draft_{draft} {}

    std::optional<Lease> find(const Address& address) const override {
        const auto& leases = draft_.seen().leases;
        const auto found = leases.find(address);
        return found != leases.end() ? std::optional{found->second} : std::nullopt;
    }
    std::vector<Lease> of_guest(const GuestId& guest) const override {
        auto found = leases_where(draft_.seen(), [&](const Lease& lease) { return lease.guest == guest; });
        std::stable_sort(found.begin(), found.end(), [](const Lease& left, const Lease& right) {
            return std::tie(left.slot, left.ordinal) < std::tie(right.slot, right.ordinal);
        });
        return found;
    }
    std::vector<Lease> named(std::string_view guest_name) const override {
        return leases_where(draft_.seen(), [&](const Lease& lease) {
            return !lease.guest_name.empty() && lease.guest_name == guest_name;
        });
    }
    std::vector<Lease> with_mac(const Mac& mac) const override {
        return leases_where(draft_.seen(), [&](const Lease& lease) { return lease.mac == mac; });
    }
    std::vector<Lease> all(std::string_view provider) const override {
        return leases_where(draft_.seen(),
                            [&](const Lease& lease) { return provider.empty() || lease.provider == provider; });
    }
    void put(const Lease& lease) override {
        Tables& tables = draft_.changed();
        for (const auto& [address, other] : tables.leases) {
            if (address == lease.address || !lease.guest || !is_held(lease.state) || !is_held(other.state)) continue;
            if (std::tie(other.guest, other.slot, other.ordinal) != std::tie(lease.guest, lease.slot, lease.ordinal)) {
                continue;
            }
            throw StoreError{"the store has " + address.text() + " at slot \"" + lease.slot + "\" of guest " +
                             lease.guest->value + " already, so " + lease.address.text() + " cannot go there"};
        }
        tables.leases.insert_or_assign(lease.address, lease);
    }
    void erase(const Address& address) override { draft_.changed().leases.erase(address); }

private:
    Draft& draft_;
};

/// Place among the candidates; empty: held, none of them.
std::optional<int> rank_of(const std::optional<Lease>& row) {
    if (!row) return 1;
    switch (row->state) {
    case LeaseState::warm:
        return 0;
    case LeaseState::warming:
        return 2;
    case LeaseState::cooling:
    case LeaseState::releasing:
        return 3;
    default:
        return std::nullopt;
    }
}

class MemoryProviderRows final : public ProviderRows {
public:
    MemoryProviderRows(Draft& draft, const LeaseRows& leases) : draft_{draft}, leases_{leases} {}

    std::optional<ProviderAddress> find(const Address& address) const override {
        const auto& addresses = draft_.seen().addresses;
        const auto found = addresses.lower_bound({address, std::string{}});
        if (found == addresses.end() || found->first.first != address) return std::nullopt;
        return found->second;
    }
    std::optional<ProviderAddress> with_mac(const Mac& mac) const override {
        for (const auto& [key, facts] : draft_.seen().addresses) {
            if (facts.mac == mac) return facts;
        }
        return std::nullopt;
    }
    std::vector<ProviderAddress> addresses(std::string_view provider) const override {
        std::vector<ProviderAddress> found;
        for (const auto& [key, facts] : draft_.seen().addresses) {
            if (key.second == provider) found.push_back(facts);
        }
        return found;
    }
    void candidates(std::string_view provider, const std::function<bool(const Candidate&)>& visit) const override {
        std::vector<std::pair<int, Candidate>> found;
        for (auto& facts : addresses(provider)) {
            auto row = leases_.find(facts.address);
            if (const auto rank = rank_of(row)) found.emplace_back(*rank, Candidate{facts, std::move(row)});
        }
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& left, const auto& right) { return left.first < right.first; });
        for (const auto& [rank, candidate] : found) {
            if (!visit(candidate)) return;
        }
    }
    void replace(std::string_view provider, const std::vector<ProviderAddress>& addresses) override {
        auto& known = draft_.changed().addresses;
        std::erase_if(known, [&](const auto& entry) { return entry.first.second == provider; });
        for (const auto& facts : addresses) known.try_emplace({facts.address, std::string{provider}}, facts);
    }
    ProviderStatus status(std::string_view provider) const override {
        const auto& statuses = draft_.seen().statuses;
        const auto found = statuses.find(provider);
        return found != statuses.end() ? found->second : ProviderStatus{};
    }
    void set_status(std::string_view provider, const ProviderStatus& status) override {
        draft_.changed().statuses.insert_or_assign(std::string{provider}, status);
    }

private:
    Draft& draft_;
    const LeaseRows& leases_;
};

class MemoryGuestRows final : public GuestRows {
public:
    explicit MemoryGuestRows(Draft& draft) : draft_{draft} {}

    std::vector<GuestNote> notes(NoteKind kind) const override {
        return notes_where([&](const GuestNote& note) { return note.kind == kind; });
    }
    std::vector<GuestNote> notes_of(const GuestId& guest) const override {
        return notes_where([&](const GuestNote& note) { return note.guest == guest; });
    }
    void put(const GuestNote& note) override {
        auto& notes = draft_.changed().notes;
        const auto same = std::find_if(notes.begin(), notes.end(), [&](const GuestNote& other) {
            return std::tie(other.kind, other.guest, other.slot) == std::tie(note.kind, note.guest, note.slot);
        });
        if (same == notes.end()) {
            notes.push_back(note);
            return;
        }
        same->name = note.name;
        same->pool = note.pool;
        same->text = note.text;
    }
    void erase(NoteKind kind, const GuestId& guest, const std::optional<std::string>& slot) override {
        std::erase_if(draft_.changed().notes, [&](const GuestNote& note) {
            return note.kind == kind && note.guest == guest && (!slot || note.slot == *slot);
        });
    }
    std::string value(std::string_view key) const override {
        const auto& values = draft_.seen().values;
        const auto found = values.find(key);
        return found != values.end() ? found->second : std::string{};
    }
    void set_value(std::string_view key, std::string_view value) override {
        draft_.changed().values.insert_or_assign(std::string{key}, std::string{value});
    }

private:
    template <typename Wanted>
    std::vector<GuestNote> notes_where(const Wanted& is_wanted) const {
        std::vector<GuestNote> found;
        const auto& notes = draft_.seen().notes;
        std::copy_if(notes.begin(), notes.end(), std::back_inserter(found), is_wanted);
        return found;
    }

    Draft& draft_;
};

class MemoryGuardRows final : public GuardRows {
public:
    explicit MemoryGuardRows(Draft& draft) : draft_{draft} {}

    std::vector<GuardMac> macs(std::string_view provider) const override {
        const auto& known = draft_.seen().guard_macs;
        const auto found = known.find(provider);
        return found != known.end() ? found->second : std::vector<GuardMac>{};
    }
    void replace(std::string_view provider, const std::vector<GuardMac>& macs) override {
        auto sorted = macs;
        std::sort(sorted.begin(), sorted.end(),
                  [](const auto& left, const auto& right) { return left.mac < right.mac; });
        draft_.changed().guard_macs.insert_or_assign(std::string{provider}, std::move(sorted));
    }
    std::vector<BlockedSender> senders() const override { return draft_.seen().senders; }
    void put(const BlockedSender& sender) override {
        auto& senders = draft_.changed().senders;
        const auto key = [](const BlockedSender& each) { return std::tie(each.uplink, each.port, each.mac); };
        std::erase_if(senders, [&](const BlockedSender& each) { return key(each) == key(sender); });
        senders.push_back(sender);
        std::stable_sort(senders.begin(), senders.end(), [&](const auto& left, const auto& right) {
            return left.last != right.last ? left.last > right.last : key(left) < key(right);
        });
        if (senders.size() > most_senders) senders.resize(most_senders);
    }
    void erase_senders() override { draft_.changed().senders.clear(); }

private:
    Draft& draft_;
};

}  // namespace

struct MemoryLeaseStore::Session {
    Draft draft;
    MemoryLeaseRows leases{draft};
    MemoryProviderRows provider{draft, leases};
    MemoryGuestRows guests{draft};
    MemoryGuardRows guard{draft};
    Rows rows{leases, provider, guests, guard};

    /// Ends the transaction however it is left.
    struct Scope {
        Draft& draft;
        ~Scope() { draft.end(); }
    };
};

MemoryLeaseStore::MemoryLeaseStore() : session_{std::make_unique<Session>()} {}
MemoryLeaseStore::~MemoryLeaseStore() = default;

void MemoryLeaseStore::write(const std::function<void(Rows&)>& work) {
    session_->draft.begin(Draft::Phase::writing);
    const Session::Scope scope{session_->draft};
    work(session_->rows);
    session_->draft.commit();
}

void MemoryLeaseStore::read(const std::function<void(const Rows&)>& work) const {
    session_->draft.begin(Draft::Phase::reading);
    const Session::Scope scope{session_->draft};
    work(session_->rows);
}

}  // namespace fip::test
