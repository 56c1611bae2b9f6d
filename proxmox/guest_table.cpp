#include "guest_table.hpp"

#include <algorithm>

namespace fip::proxmox {

ListChanges GuestTable::take(const ClusterStamp& stamp, const GuestList& list, bool is_quorate, TimePoint now) {
    ListChanges changes;
    if (!stamp_ || stamp_->started != stamp.started) {
        changes.is_restarted = true;
        absent_.clear();
        given_up_.clear();
        // Who is missing now may only not be there yet; who is there is looked at by the full comparison.
        for (const auto& [vmid, guest] : list) {
            const auto before = list_.find(vmid);
            const bool was_elsewhere = before != list_.end() && before->second.node != node_;
            if (was_elsewhere && guest.node == node_) changes.arrived.push_back(vmid);
        }
        list_ = list;
    } else {
        take_present(list, changes);
        take_absent(list, is_quorate, now, changes);
    }
    stamp_ = stamp;
    return changes;
}

void GuestTable::take_present(const GuestList& list, ListChanges& changes) {
    for (const auto& [vmid, guest] : list) {
        absent_.erase(vmid);
        given_up_.erase(vmid);
        const auto before = list_.find(vmid);
        if (before != list_.end() && before->second == guest) continue;
        const bool is_ours = guest.node == node_;
        const bool was_ours = before != list_.end() && before->second.node == node_;
        if (is_ours) {
            changes.look.push_back(vmid);
            if (before != list_.end() && !was_ours) changes.arrived.push_back(vmid);
        } else {
            (was_ours ? changes.left : changes.others).push_back(vmid);
        }
        list_[vmid] = guest;
    }
}

void GuestTable::take_absent(const GuestList& list, bool is_quorate, TimePoint now, ListChanges& changes) {
    for (const auto& [vmid, guest] : list_) {
        if (list.contains(vmid) || given_up_.contains(vmid)) continue;
        auto [absence, is_new] = absent_.try_emplace(vmid);
        // Readings without a quorum prove nothing, and begin anew.
        if (is_new || !is_quorate) absence->second = {0, now};
        if (is_quorate) ++absence->second.readings;
    }
    const auto in_this_wave =
        std::ranges::count_if(given_up_, [&](const auto& given_up) { return now - given_up.second < time_of_wave; });
    const auto missing = absent_.size() + static_cast<std::size_t>(in_this_wave);
    const bool is_mass = missing > 2 && missing * 2 > list_.size();
    for (auto each = absent_.begin(); each != absent_.end();) {
        const auto& [vmid, absence] = *each;
        const bool is_proved = absence.readings >= readings_of_absence && now - absence.since >= time_of_absence;
        if (!is_proved) {
            ++each;
            continue;
        }
        if (is_mass) {
            given_up_.emplace(vmid, now);
        } else {
            changes.gone.push_back({vmid, absence.since});
            list_.erase(vmid);
        }
        each = absent_.erase(each);
    }
}

}  // namespace fip::proxmox
