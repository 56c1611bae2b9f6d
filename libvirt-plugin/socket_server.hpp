#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace fip::plugin {

/// The socket on which hooks and the command line ask whether somebody is there. Answers at once, whatever the rest of
/// the daemon does: it calls neither libvirt nor the store.
class SocketServer {
public:
    struct Requests {
        std::function<void(std::string_view uuid)> look;
        std::function<void()> starting;
        std::function<void()> work;
        std::function<void()> poke;
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

}  // namespace fip::plugin
