#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace fip::config {

/// A token: cannot be printed or copied, and its memory is wiped when it goes.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string&& text) noexcept {
        text_.swap(text);
        wipe(text);  // a short string leaves its bytes behind
    }
    ~Secret() { wipe(text_); }
    Secret(Secret&& other) noexcept : Secret(std::move(other.text_)) {}
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe(text_);
            text_.swap(other.text_);
            wipe(other.text_);
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    /// The bytes themselves, for the one place that sends them. Valid as long as the object.
    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }

    /// Hand the bytes over to an owner that wipes them as well.
    [[nodiscard]] std::string release() && { return std::exchange(text_, {}); }

    /// Overwrite text in place, to its capacity; it is empty then.
    static void wipe(std::string& text) noexcept;

private:
    std::string text_;
};

}  // namespace fip::config
