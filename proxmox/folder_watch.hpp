#pragma once

#include <filesystem>
#include <vector>

namespace fip::proxmox {

/// Tells that a config was written through this node's mount: what other nodes do is not told (pmxcfs has no notify
/// code), so .vmlist is read all the same.
class FolderWatch {
public:
    explicit FolderWatch(const std::vector<std::filesystem::path>& folders);
    ~FolderWatch();
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

    /// Readable when something was told; -1: the kernel has no watch left for us.
    [[nodiscard]] int descriptor() const { return file_; }
    /// False: a folder has gone (pmxcfs ended): make another object.
    [[nodiscard]] bool take();

private:
    int file_ = -1;
};

}  // namespace fip::proxmox
