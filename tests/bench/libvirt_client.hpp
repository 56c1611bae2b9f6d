#pragma once

#include "measure.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <string>

namespace fip::bench {

/// A libvirt client that hears of every define. One per process.
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
    void start(const std::string& name);
    void destroy(const std::string& name);
    void undefine(const std::string& name);
    [[nodiscard]] std::string inactive_xml(const std::string& name);

    void forget_events();
    void listen(std::chrono::milliseconds time);  ///< Takes in what comes; returns when `time` is over.
    /// When we heard that the definition of an existing guest had been replaced.
    [[nodiscard]] Clock::time_point await_redefine(const std::string& name, std::chrono::milliseconds limit);

private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace fip::bench
