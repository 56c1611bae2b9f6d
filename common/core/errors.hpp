#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace fip {

/// Text that a person or another program gave us is wrong; what() says what and where. Exit code 2.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Another process held the store's lock for the whole configured wait. Nothing changed; try again.
class StoreBusy : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The store's file is unreadable, full, corrupt or of a newer schema. Nothing changed; a person must act.
class StoreError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// No verdict from the provider: unreachable, cut, rate limited, or an answer that cannot be read.
/// A write may or may not have happened: read before deciding. Exit code 3.
class ProviderUnavailable : public std::runtime_error {
public:
    explicit ProviderUnavailable(const std::string& what, std::chrono::seconds retry_after = std::chrono::seconds{0})
        : std::runtime_error{what}, retry_after_{retry_after} {}
    /// What the provider asked us to wait; 0: it did not say.
    [[nodiscard]] std::chrono::seconds retry_after() const noexcept { return retry_after_; }

private:
    std::chrono::seconds retry_after_;
};

/// The provider will not do it until a person acts (bad token, wrong server). Nothing changed.
class ProviderRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace fip
