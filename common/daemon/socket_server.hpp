#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace fip::daemon {

/// The socket on which hooks and the command line ask whether somebody is there. Answers at once, whatever the rest of
/// the daemon does: it calls neither the hypervisor nor the store.
class SocketServer {
public:
    struct Requests {
        std::function<bool(std::string_view id)> look;      ///< False: not an id.
        std::function<bool(std::string_view id)> starting;  ///< "": the hook did not say who. False: not an id.
        std::function<void()> work;
        std::function<void()> poke;
        std::function<void()> waiting;
        std::function<void()> reload;
    };

    /// @throws InputError          another daemon serves this socket
    /// @throws std::system_error   the socket cannot be made
    SocketServer(std::filesystem::path socket, Requests requests);
    ~SocketServer();
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

    void run();            ///< Until stop().
    void stop() noexcept;  ///< Any thread.

private:
    struct Client;
    void answer(Client& client) const;
    [[nodiscard]] std::string_view reply_to(std::string_view request) const;

    std::filesystem::path path_;
    Requests requests_;
    int lock_ = -1;
    int listening_ = -1;
    int stop_ = -1;
};

}  // namespace fip::daemon
