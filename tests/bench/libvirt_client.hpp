#pragma once

#include "measure.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace fip::bench {

/// What a client hears of a guest.
enum class GuestEvent { redefined, resumed, unplugged };

/// A libvirt client that hears what happens to guests. One per process.
///
/// @throws std::runtime_error  with libvirt's words, from every call
class LibvirtClient {
public:
    using Clock = std::chrono::steady_clock;

    explicit LibvirtClient(const std::string& uri);
    ~LibvirtClient();
    LibvirtClient(const LibvirtClient&) = delete;
    LibvirtClient& operator=(const LibvirtClient&) = delete;

    Duration define(const std::string& xml);  ///< The call of virDomainDefineXML, nothing else.
    void create(const std::string& xml);      ///< Started without a definition.
    void start(const std::string& name);
    void destroy(const std::string& name);
    void undefine(const std::string& name);
    [[nodiscard]] std::string inactive_xml(const std::string& name);
    [[nodiscard]] std::string live_xml(const std::string& name);

    void suspend(const std::string& name);
    void resume(const std::string& name);
    void reset(const std::string& name);
    void unplug(const std::string& name, const std::string& alias);  ///< Asked for; GuestEvent::unplugged tells.
    void plug_in(const std::string& name, const std::string& interface);

    void forget_events();
    void listen(std::chrono::milliseconds time);  ///< Takes in what comes; returns when `time` is over.
    /// When we heard of it. What came before it is forgotten, what came after it stays to be asked for.
    /// @throws std::runtime_error  not within `limit`
    Clock::time_point await(const std::string& name, GuestEvent event, std::chrono::milliseconds limit);
    /// False: not within `limit`.
    [[nodiscard]] bool hears(const std::string& name, GuestEvent event, std::chrono::milliseconds limit);

private:
    [[nodiscard]] std::optional<Clock::time_point> find(const std::string& name, GuestEvent event,
                                                        std::chrono::milliseconds limit);

    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace fip::bench
