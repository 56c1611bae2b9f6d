#pragma once

#include "daemon/setup.hpp"

#include <memory>
#include <mutex>
#include <set>
#include <string_view>

namespace fip::proxmox {

/// What other threads want of the watcher. Each wish is there once, however often it was made.
class Inbox {
public:
    struct Wishes {
        std::set<int> look;
        std::set<int> starting;  ///< A hookscript waits for it.
        bool is_waiting_due = false;
        bool is_compare_due = false;
        std::shared_ptr<const daemon::Setup> setup;
    };

    Inbox();
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    /// "100/<uuid>" or "100". False: no guest's id.
    [[nodiscard]] bool look(std::string_view id);
    [[nodiscard]] bool look_at_start(std::string_view id);
    void look_at_waiting();
    void compare();
    void use(std::shared_ptr<const daemon::Setup> setup);
    void stop();

    [[nodiscard]] Wishes take();
    [[nodiscard]] bool is_stopped() const;
    [[nodiscard]] int descriptor() const { return wake_; }  ///< Readable while there is something.

private:
    template <typename Change>
    void put(const Change& change);

    mutable std::mutex mutex_;
    Wishes wishes_;
    bool is_stopped_ = false;
    int wake_ = -1;
};

}  // namespace fip::proxmox
