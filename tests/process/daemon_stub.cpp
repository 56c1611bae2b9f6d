// daemon_stub libvirt|proxmox: a daemon with all that is ours and no hypervisor. It prints what its guests' part is
// told; "look changed" makes that part say that it changed leases.
#include "daemon/daemon.hpp"
#include "runtime/run_main.hpp"

#include <future>
#include <iostream>
#include <mutex>
#include <utility>

using namespace fip;

namespace {

class StubWatcher final : public daemon::GuestWatcher {
public:
    explicit StubWatcher(std::function<void()> leases_changed) : leases_changed_{std::move(leases_changed)} {}

    void run() override {
        for (bool is_more = true; is_more;) {
            bool is_changed = false;
            {
                std::unique_lock lock{mutex_};
                told_.wait(lock, [&] { return is_stopped_ || is_changed_; });
                is_changed = std::exchange(is_changed_, false);
                is_more = !is_stopped_;
            }
            if (is_changed) leases_changed_();
        }
    }
    void stop() override {
        const std::lock_guard lock{mutex_};
        is_stopped_ = true;
        told_.notify_all();
    }
    void use(std::shared_ptr<const daemon::Setup>) override { say("use"); }
    bool look(std::string_view id) override {
        if (id == "nobody") return false;
        say("look " + std::string{id});
        const std::lock_guard lock{mutex_};
        is_changed_ = is_changed_ || id == "changed";
        told_.notify_all();
        return true;
    }
    void look_at_waiting() override { say("waiting"); }
    void compare() override { say("compare"); }
    bool announce_start(std::string_view id) override {
        say("starting " + std::string{id});
        return true;
    }
    std::chrono::steady_clock::time_point busy_since() const override { return {}; }
    std::string status() const override { return "watching nothing"; }

private:
    static void say(const std::string& what) { std::cout << what + "\n" << std::flush; }

    std::function<void()> leases_changed_;
    std::mutex mutex_;
    std::condition_variable told_;
    bool is_stopped_ = false;
    bool is_changed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    return runtime::run_main("daemon_stub", runtime::Report::to_people, [&] {
        const bool is_proxmox = argc > 1 && std::string_view{argv[1]} == "proxmox";
        const daemon::Program program{"daemon_stub", is_proxmox ? GuestKind::proxmox : GuestKind::libvirt, "", ""};
        const auto options = daemon::default_options(program.kind);
        return daemon::run_daemon(program, options, [](const auto&, auto leases_changed) {
            return std::make_unique<StubWatcher>(std::move(leases_changed));
        });
    });
}
