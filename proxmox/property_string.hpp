#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

/// "virtio=BC:24:11:00:00:01,bridge=vmbr0": what Proxmox calls a property string. What is not changed comes out of
/// text() byte for byte, also what no version of Proxmox knows.
class PropertyString {
public:
    explicit PropertyString(std::string_view text);

    [[nodiscard]] std::size_t size() const { return parts_.size(); }
    /// Empty for a part without '='.
    [[nodiscard]] std::string_view key(std::size_t part) const;
    /// After the '='; the whole part where there is none.
    [[nodiscard]] std::string_view value(std::size_t part) const;

    [[nodiscard]] std::optional<std::size_t> find(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> value_of(std::string_view key) const;
    /// The part without '=' that Proxmox takes for the default key: a NIC's model, a drive's file.
    [[nodiscard]] std::optional<std::size_t> find_bare() const;

    void replace(std::size_t part, std::string text) { parts_.at(part) = std::move(text); }
    void insert(std::size_t before, std::string text);
    void erase(std::string_view key);

    [[nodiscard]] std::string text() const;

private:
    std::vector<std::string> parts_;
};

/// 1, on, yes, true, in any case.
[[nodiscard]] bool is_yes(std::string_view value);

}  // namespace fip::proxmox
