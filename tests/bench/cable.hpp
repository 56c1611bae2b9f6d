#pragma once

#include "measure.hpp"
#include "support/process.hpp"

#include <cstddef>
#include <string>

namespace fip::bench {

/// A guest and the provider's side in namespaces of their own, and between them a bridge and an uplink in a third,
/// where the process itself is while this lives:
///
///     guest: g0 ── p0 (br0) up0 ── far0 :provider
///
/// One TCP connection goes through it. Everything is gone with the object. The process may have no other thread.
///
/// @throws std::system_error, std::runtime_error
class Cable {
public:
    static constexpr auto uplink = "up0";
    static constexpr auto guest_mac = "02:00:00:00:01:01";
    static constexpr auto guest_address = "192.0.2.10";
    static constexpr auto host_mac = "02:00:00:00:00:01";

    enum class Segments {
        whole,   ///< As a kernel leaves them to its network card: up to 64 KiB at once.
        frames,  ///< Each frame goes its own way.
    };
    explicit Cable(Segments segments);
    ~Cable();
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;

    /// How long so many bytes take from the guest to the provider.
    [[nodiscard]] Duration send(std::size_t bytes);

private:
    void lay(Segments segments);
    void connect();
    void leave() noexcept;

    int outside_ = -1;
    test::Process guest_;
    test::Process provider_;
    int out_ = -1;
    int in_ = -1;
};

}  // namespace fip::bench
