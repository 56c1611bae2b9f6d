#pragma once

#include "core/guard.hpp"
#include "core/lease.hpp"
#include "core/provider_facts.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip {

/// An address that might be given to a guest: the provider has it, and no guest holds it.
struct Candidate {
    ProviderAddress facts;
    std::optional<Lease> row;  ///< Our row in state warming, warm, releasing or cooling; absent: never touched.
};

/// Leases inside one transaction. Unique by address; a (guest, slot, ordinal) holds one address at most.
class LeaseRows {
public:
    virtual ~LeaseRows() = default;
    LeaseRows(const LeaseRows&) = delete;
    LeaseRows& operator=(const LeaseRows&) = delete;

    [[nodiscard]] virtual std::optional<Lease> find(const Address& address) const = 0;
    [[nodiscard]] virtual std::vector<Lease> of_guest(
        const GuestId& guest) const = 0;  ///< Any state; by slot, ordinal.
    /// Rows without a guest id for that name (reservations), and rows of any guest with that name; any state.
    [[nodiscard]] virtual std::vector<Lease> named(std::string_view guest_name) const = 0;
    [[nodiscard]] virtual std::vector<Lease> with_mac(const Mac& mac) const = 0;
    /// Every row, in address order. `provider` empty: of all providers.
    [[nodiscard]] virtual std::vector<Lease> all(std::string_view provider) const = 0;

    /// Insert, or replace the row of the same address.
    /// @throws StoreError  the guest's slot and ordinal hold another address already
    virtual void put(const Lease& lease) = 0;
    virtual void erase(const Address& address) = 0;  ///< Of nothing: no effect.

protected:
    LeaseRows() = default;
};

/// What providers said last, inside one transaction.
class ProviderRows {
public:
    virtual ~ProviderRows() = default;
    ProviderRows(const ProviderRows&) = delete;
    ProviderRows& operator=(const ProviderRows&) = delete;

    [[nodiscard]] virtual std::optional<ProviderAddress> find(const Address& address) const = 0;
    [[nodiscard]] virtual std::optional<ProviderAddress> with_mac(const Mac& mac) const = 0;  ///< Lowest address.
    [[nodiscard]] virtual std::vector<ProviderAddress> addresses(std::string_view provider) const = 0;  ///< In order.
    /// Candidates of the provider until `visit` returns false: warm ones first, then those without a row, then warming,
    /// then cooling and releasing ones; each group in address order. Lazy: stops reading when told so.
    virtual void candidates(std::string_view provider, const std::function<bool(const Candidate&)>& visit) const = 0;
    virtual void replace(std::string_view provider, const std::vector<ProviderAddress>& addresses) = 0;
    [[nodiscard]] virtual ProviderStatus status(std::string_view provider) const = 0;  ///< Unknown provider: defaults.
    virtual void set_status(std::string_view provider, const ProviderStatus& status) = 0;

protected:
    ProviderRows() = default;
};

enum class NoteKind {
    waiting,       ///< Wants an address and there is none; `text` is the reason, `pool` the pool.
    absent,        ///< Missing from a complete listing: the first sighting of rule 5.
    held_back,     ///< Was there at the first run; not touched before a person says `reconcile`.
    incoming,      ///< The hook saw `migrate` or `restore` begin; `text` is which.
    claimed,       ///< The hook claimed for its start: nobody has seen it run yet.
    swapping,      ///< Its NIC is being unplugged and plugged in again; `text` is what must be plugged in.
    restarting,    ///< It is being shut down, to be started again.
    queued_start,  ///< A start was queued when its config was put right; `text` is the wrong MACs that it had.
};

/// A remark about a guest. One per kind, guest and slot.
struct GuestNote {
    NoteKind kind = NoteKind::waiting;
    GuestId guest;
    std::string slot;  ///< Empty unless the remark is about one NIC.
    std::string name;
    std::string pool;
    std::string text;
    Now at;
};

/// Remarks about guests, and a few named values, inside one transaction.
class GuestRows {
public:
    virtual ~GuestRows() = default;
    GuestRows(const GuestRows&) = delete;
    GuestRows& operator=(const GuestRows&) = delete;

    [[nodiscard]] virtual std::vector<GuestNote> notes(NoteKind kind) const = 0;  ///< Oldest first, as they were put.
    [[nodiscard]] virtual std::vector<GuestNote> notes_of(const GuestId& guest) const = 0;
    /// Insert, or update text, name and pool; the place in the order and the first `at` are kept.
    virtual void put(const GuestNote& note) = 0;
    /// All slots when `slot` is absent. Of nothing: no effect.
    virtual void erase(NoteKind kind, const GuestId& guest, const std::optional<std::string>& slot) = 0;
    [[nodiscard]] virtual std::string value(std::string_view key) const = 0;  ///< Empty: never set.
    virtual void set_value(std::string_view key, std::string_view value) = 0;

protected:
    GuestRows() = default;
};

/// Who tried to send what the guard stopped.
struct BlockedSender {
    std::string uplink;
    std::string port;  ///< As BlockedFrames has it.
    Mac mac;
    bool is_raw = false;
    std::string kind;  ///< "guest", "container", "process", "host", ...
    std::string name;
    std::string detail;        ///< For people: which NIC, which device.
    std::uint64_t frames = 0;  ///< Counted before the kernel's present count.
    WallTime first{};
    WallTime last{};
};

/// What the guard must remember, inside one transaction.
class GuardRows {
public:
    static constexpr std::size_t most_senders = 1024;

    virtual ~GuardRows() = default;
    GuardRows(const GuardRows&) = delete;
    GuardRows& operator=(const GuardRows&) = delete;

    [[nodiscard]] virtual std::vector<GuardMac> macs(std::string_view provider) const = 0;  ///< In order.
    virtual void replace(std::string_view provider, const std::vector<GuardMac>& macs) = 0;
    [[nodiscard]] virtual std::vector<BlockedSender> senders() const = 0;  ///< Latest first.
    /// Insert, or replace the one of the same uplink, port and MAC; beyond `most_senders` the oldest by `last` goes.
    virtual void put(const BlockedSender& sender) = 0;
    virtual void erase_senders() = 0;

protected:
    GuardRows() = default;
};

}  // namespace fip
