#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::guard {

/// What /proc says about processes, until the time is up. A process that ends while it is looked at has nothing.
class ProcessTree {
public:
    ProcessTree(std::filesystem::path proc, std::chrono::milliseconds limit)
        : proc_{std::move(proc)}, end_{std::chrono::steady_clock::now() + limit} {}

    using Process = std::string;  ///< Its number, as /proc has it.
    [[nodiscard]] std::vector<Process> all() const;
    [[nodiscard]] std::string command(const Process& process) const;  ///< At most 15 bytes, printable.
    [[nodiscard]] std::vector<std::string> words(const Process& process) const;
    [[nodiscard]] std::string text(const Process& process, const char* file) const;  ///< At most 128 KiB.
    [[nodiscard]] Process parent(const Process& process) const;
    /// "net:[4026531840]"
    [[nodiscard]] std::string net_namespace(const Process& process) const;

    struct OpenFile {
        Process process;
        std::string number;
    };
    enum class Order { any, qemu_first };
    /// The first open file whose target `wanted` takes.
    using Wanted = std::function<bool(const OpenFile& file, std::string_view target)>;
    [[nodiscard]] std::optional<OpenFile> find_file(Order order, const Wanted& wanted) const;

    [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= end_; }
    [[nodiscard]] const std::filesystem::path& proc() const { return proc_; }

private:
    std::filesystem::path proc_;
    std::chrono::steady_clock::time_point end_;
};

}  // namespace fip::guard
