#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fip::plugin {

/// The folder in which a libvirt driver keeps its guests' definitions, read behind libvirt's back: a file that libvirt
/// could not load is a guest that no listing shows. Files are read again only when they changed.
class DefinitionFolder {
public:
    explicit DefinitionFolder(std::filesystem::path folder) : folder_{std::move(folder)} {}

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    struct Definition {
        std::string file;
        std::string name;  ///< As libvirt names its files: the guest's name.
        std::string uuid;  ///< Canonical; empty: none could be read.
    };
    /// @throws GuestsUnavailable  the folder cannot be read
    [[nodiscard]] std::vector<Definition> scan();

private:
    struct Seen {
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        std::int64_t changed_ns = 0;
        std::string uuid;
    };
    std::filesystem::path folder_;
    std::map<std::string, Seen> seen_;  // by file name
};

/// The text between the first <uuid> and </uuid>, canonical; empty: none, or not a uuid.
[[nodiscard]] std::string uuid_in(std::string_view xml);
/// Lower case with dashes; empty: not a uuid.
[[nodiscard]] std::string canonical_uuid(std::string_view text);

}  // namespace fip::plugin
