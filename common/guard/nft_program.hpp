#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace fip::guard {

/// The nft program: arguments and text in, text out. It ends with the thread that calls it.
struct NftCall {
    std::vector<std::string> arguments{};
    std::string input{};
    std::chrono::milliseconds limit{std::chrono::seconds{10}};
    std::size_t most_output = std::size_t{64} << 20;  ///< Bytes; a listing of 10,000 MACs has 4 million.
};

struct NftReply {
    bool is_done = false;  ///< Exit code 0.
    std::string out{};
    std::string error{};  ///< Its first line of complaint, without what nft puts before it.
    /// What was asked for does not exist.
    [[nodiscard]] bool is_missing() const { return error.find("No such file or directory") != std::string::npos; }
};

/// @throws GuardError  there is no nft, it did not end within the limit, or it printed too much
[[nodiscard]] NftReply run_nft(const NftCall& call);

}  // namespace fip::guard
