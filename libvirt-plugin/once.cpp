#include "once.hpp"

#include "connection.hpp"
#include "daemon/once.hpp"
#include "event_loop.hpp"
#include "libvirt_guests.hpp"
#include "starts.hpp"

#include <memory>
#include <vector>

namespace fip::plugin {

int run_once(const daemon::Options& options) {
    const auto setup = daemon::load_setup(options.config);
    EventLoop loop;
    std::vector<std::unique_ptr<Connection>> connections;
    bool is_all_there = true;
    for (const auto& uri : setup->settings.libvirt_uris) {
        connections.push_back(std::make_unique<Connection>(uri));
        try {
            connections.back()->open();
        } catch (const GuestsUnavailable&) {
            is_all_there = false;  // it stays in the list: every listing has a gap that says why
        }
    }
    Starts starts;
    LibvirtGuests guests{connections, starts};
    return daemon::run_once(options, setup, {GuestKind::libvirt, guests, is_all_there});
}

}  // namespace fip::plugin
