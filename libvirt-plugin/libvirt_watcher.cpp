#include "libvirt_watcher.hpp"

#include "definitions.hpp"
#include "event_loop.hpp"
#include "guest_worker.hpp"
#include "tasks.hpp"

#include <utility>

namespace fip::plugin {
namespace {

class LibvirtWatcher final : public daemon::GuestWatcher {
public:
    LibvirtWatcher(std::shared_ptr<const daemon::Setup> setup, std::function<void()> leases_changed)
        : drivers_{setup->settings.libvirt_uris.size()}, worker_{std::move(setup), tasks_, std::move(leases_changed)} {}

    void run() override { worker_.run(); }
    void stop() override { tasks_.stop(); }
    void use(std::shared_ptr<const daemon::Setup> setup) override { push(Task::Kind::reload, std::move(setup)); }

    bool look(std::string_view id) override {
        auto uuid = canonical_uuid(id);
        if (uuid.empty()) return false;
        tasks_.push({Task::Kind::look, std::move(uuid), {}, 0, {}});
        return true;
    }
    void look_at_waiting() override { push(Task::Kind::waiting); }
    void compare() override { push(Task::Kind::compare); }
    [[nodiscard]] bool announce_start(std::string_view) override {
        push(Task::Kind::claimed);
        return true;
    }

    std::chrono::steady_clock::time_point busy_since() const override { return worker_.busy_since(); }
    std::string status() const override { return "watching " + std::to_string(drivers_) + " libvirt driver(s)"; }

private:
    void push(Task::Kind kind, std::shared_ptr<const daemon::Setup> setup = {}) {
        tasks_.push({kind, {}, {}, 0, std::move(setup)});
    }

    std::size_t drivers_;
    EventLoop loop_;
    Tasks tasks_;
    GuestWorker worker_;
};

}  // namespace

std::unique_ptr<daemon::GuestWatcher> make_libvirt_watcher(std::shared_ptr<const daemon::Setup> setup,
                                                           std::function<void()> leases_changed) {
    return std::make_unique<LibvirtWatcher>(std::move(setup), std::move(leases_changed));
}

}  // namespace fip::plugin
