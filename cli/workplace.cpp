#include "workplace.hpp"

#include "config/load.hpp"
#include "core/errors.hpp"
#include "providers/traits.hpp"
#include "store/sqlite_lease_store.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fip::cli {
namespace {

using namespace std::chrono_literals;

/// A store in which nothing lasts: use cases do their whole work, and the transaction is rolled back.
class UndoneStore final : public LeaseStore {
public:
    explicit UndoneStore(LeaseStore& store) : store_{store} {}

    void write(const std::function<void(Rows&)>& work) override {
        struct Undo {};
        try {
            store_.write([&](Rows& rows) {
                work(rows);
                throw Undo{};
            });
        } catch (const Undo&) {  // the way out of a transaction without a commit
        }
    }
    void read(const std::function<void(const Rows&)>& work) const override { store_.read(work); }

private:
    LeaseStore& store_;
};

std::uint64_t random_bits() {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) {
        throw std::system_error{errno, std::generic_category(), "no random numbers"};
    }
    return bits;
}

std::string own_name() {
    std::array<char, 256> name{};  // longer than any that Linux has
    if (::gethostname(name.data(), name.size() - 1) != 0) return "";
    return name.data();
}

}  // namespace

Workplace::Workplace(std::filesystem::path config) : config_{std::move(config)}, settings_{config::load(config_)} {
    if (settings_.host_name.empty()) settings_.host_name = own_name();
    for (const auto& [name, provider] : settings_.providers) traits_[name] = providers::traits_of(provider.type);
}

Workplace::~Workplace() = default;

bool Workplace::has_store() const {
    return std::filesystem::exists(settings_.store_file);
}

Context Workplace::context(Mode mode) {
    if (!store_) {
        const auto access = mode == Mode::act ? store::Access::create : store::Access::existing;
        store_ = std::make_unique<store::SqliteLeaseStore>(settings_.store_file, 10s, access);
    }
    LeaseStore* store = store_.get();
    if (mode == Mode::dry_run) {
        if (!undone_) undone_ = std::make_unique<UndoneStore>(*store_);
        store = undone_.get();
    }
    return {settings_, traits_, *store, clock_, random_bits};
}

}  // namespace fip::cli
