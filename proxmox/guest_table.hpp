#pragma once

#include "cluster.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip::proxmox {

/// Missing for so long that only its file may prove that it is there.
struct GoneGuest {
    int vmid = 0;
    std::chrono::steady_clock::time_point since;  ///< The first reading without it.
    friend bool operator==(const GoneGuest&, const GoneGuest&) = default;
};

/// What the list of guests says now, compared with what it said before.
struct ListChanges {
    std::vector<int> look;        ///< Ours: new, written, or come from another node.
    std::vector<int> arrived;     ///< Among `look`: came from another node while we watched.
    std::vector<int> left;        ///< Went to another node.
    std::vector<int> others;      ///< Another node's, new or written: their VMID may have another guest now.
    std::vector<GoneGuest> gone;  ///< Absent long enough for positive evidence, if no file of theirs is anywhere.
    bool is_restarted = false;    ///< Another pmxcfs: everything is to be compared.
    friend bool operator==(const ListChanges&, const ListChanges&) = default;
};

/// Follows the cluster's list of guests from one reading to the next. Pure: it is handed the readings.
///
/// Absence is evidence only of a guest that this very pmxcfs has listed before, in three readings over three seconds,
/// with a quorum. When more than half of the guests, and more than two, go within a minute, nobody is called gone any
/// more: the full comparison with its sightings decides (rule 5).
class GuestTable {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr int readings_of_absence = 3;
    static constexpr std::chrono::seconds time_of_absence{3};
    static constexpr std::chrono::minutes time_of_wave{1};

    explicit GuestTable(std::string node) : node_{std::move(node)} {}

    [[nodiscard]] ListChanges take(const ClusterStamp& stamp, const GuestList& list, bool is_quorate, TimePoint now);
    /// Absent guests are waited for: read again soon, though the stamp is the same.
    [[nodiscard]] bool is_waiting() const { return !absent_.empty(); }
    [[nodiscard]] const GuestList& list() const { return list_; }

private:
    struct Absence {
        int readings = 0;
        TimePoint since;
    };
    void take_present(const GuestList& list, ListChanges& changes);
    void take_absent(const GuestList& list, bool is_quorate, TimePoint now, ListChanges& changes);

    std::string node_;
    std::optional<ClusterStamp> stamp_;
    GuestList list_;  ///< As last read, with those that are absent and not yet gone.
    std::map<int, Absence> absent_;
    std::map<int, TimePoint> given_up_;  ///< Too many at once: not called gone while this pmxcfs runs. Since when.
};

}  // namespace fip::proxmox
