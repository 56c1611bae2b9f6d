#pragma once

#include "app/look.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip {

/// One look at one guest: what is planned is carried out in the store first, then in the guest. Internal to the use
/// cases that look.
class Look {
public:
    Look(const Context& context, const Guest& guest, std::map<Mac, int> wearers)
        : context_{context}, guest_{guest}, wearers_{std::move(wearers)} {}

    /// Plan again on what the store says now.
    const GuestPlan& plan(const Rows& rows);
    [[nodiscard]] bool has_work(const Rows& rows) const;
    void carry_out(Rows& rows);
    /// What was claimed has its name wished for; only the definition is left then.
    void complete(Rows& rows);
    void write(GuestSource& source);
    Looked take_result();

private:
    struct Reason {
        std::string pool;
        std::string text;
    };

    void hold_back(const Rows& rows);
    void put_leases(Rows& rows);
    static void read_anew(Rows& rows, const std::string& provider);
    void take(Rows& rows, const Want& want);
    [[nodiscard]] std::vector<GuestNote> stale_notes(const Rows& rows) const;
    void keep_notes(Rows& rows);
    void tell(std::string id, std::optional<Address> address, std::string text,
              Happening::Level level = Happening::Level::info);

    const Context& context_;
    const Guest& guest_;
    std::map<Mac, int> wearers_;
    GuestPlan plan_;
    std::map<std::string, Reason> reasons_;  ///< By slot: why it is not served.
    Looked looked_;
};

}  // namespace fip
