#include "daemon/worker.hpp"

#include <utility>

namespace fip::daemon {

Worker::Worker(std::function<void()> body, std::function<void(std::exception_ptr)> failed)
    : ended_{end_.get_future()}, thread_{[this, body = std::move(body), failed = std::move(failed)] {
          try {
              body();
          } catch (...) {
              failed(std::current_exception());
          }
          end_.set_value();
      }} {}

Worker::~Worker() {
    thread_.join();
}

bool Worker::has_ended(std::chrono::steady_clock::time_point deadline) const {
    return ended_.wait_until(deadline) == std::future_status::ready;
}

}  // namespace fip::daemon
