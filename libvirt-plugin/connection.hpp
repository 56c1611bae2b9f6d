#pragma once

#include "definitions.hpp"
#include "handles.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fip::plugin {

/// What libvirt said last in this thread; for people.
[[nodiscard]] std::string libvirt_problem();
[[nodiscard]] int libvirt_error_code();

/// One libvirt URI, connected or not.
class Connection {
public:
    explicit Connection(std::string uri) : uri_{std::move(uri)} {}

    /// @throws GuestsUnavailable
    void open();
    void close() noexcept { handle_.reset(); }
    [[nodiscard]] bool is_open() const noexcept { return handle_ != nullptr; }
    /// False also when the other end has gone and nobody noticed yet.
    [[nodiscard]] bool is_alive() const noexcept;

    /// @throws GuestsUnavailable  not open
    [[nodiscard]] virConnectPtr get() const;
    [[nodiscard]] const std::string& uri() const noexcept { return uri_; }
    [[nodiscard]] const std::string& origin() const noexcept {
        return origin_;
    }  ///< Guest::origin; of the last open().
    /// This host's own QEMU driver: its guests are processes that we can see.
    [[nodiscard]] bool is_local_qemu() const noexcept { return is_local_qemu_; }
    /// Where libvirt keeps the state of running guests, as definitions().
    [[nodiscard]] const std::optional<std::filesystem::path>& status_folder() const noexcept { return status_folder_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }  ///< Another one after each open().
    /// Where libvirt keeps the definitions, if it is on this host and we know where.
    [[nodiscard]] std::optional<DefinitionFolder>& definitions() noexcept { return definitions_; }

private:
    std::string uri_;
    std::string origin_;
    std::uint64_t number_ = 0;
    std::optional<DefinitionFolder> definitions_;
    std::optional<std::filesystem::path> status_folder_;
    bool is_local_qemu_ = false;
    ConnectHandle handle_;
};

}  // namespace fip::plugin
