#include "tasks.hpp"

#include <utility>

namespace fip::plugin {

void Tasks::push(Task task) {
    {
        const std::lock_guard lock{mutex_};
        switch (task.kind) {
        case Task::Kind::look:
        case Task::Kind::changed:
            if (!looks_.insert(task.uuid).second) return;
            break;
        case Task::Kind::maybe_gone:
        case Task::Kind::left:
            looks_.erase(task.uuid);
            break;
        case Task::Kind::compare:
            if (std::exchange(has_compare_, true)) return;
            break;
        case Task::Kind::waiting:
            if (std::exchange(has_waiting_, true)) return;
            break;
        case Task::Kind::lost:
        case Task::Kind::reload:
            break;
        }
        tasks_.push_back(std::move(task));
    }
    changed_.notify_all();
}

void Tasks::push_front(Task task) {
    {
        const std::lock_guard lock{mutex_};
        if (task.kind == Task::Kind::compare) has_compare_ = true;
        if (task.kind == Task::Kind::waiting) has_waiting_ = true;
        tasks_.push_front(std::move(task));
    }
    changed_.notify_all();
}

void Tasks::stop() {
    {
        const std::lock_guard lock{mutex_};
        is_stopped_ = true;
    }
    changed_.notify_all();
}

std::optional<Task> Tasks::pop(TimePoint deadline) {
    std::unique_lock lock{mutex_};
    const auto is_ready = [this] { return is_stopped_ || !tasks_.empty(); };
    if (!changed_.wait_until(lock, deadline, is_ready) || is_stopped_) return {};
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    if (task.kind == Task::Kind::look || task.kind == Task::Kind::changed) looks_.erase(task.uuid);
    if (task.kind == Task::Kind::compare) has_compare_ = false;
    if (task.kind == Task::Kind::waiting) has_waiting_ = false;
    return task;
}

bool Tasks::is_stopped() const {
    const std::lock_guard lock{mutex_};
    return is_stopped_;
}

bool Tasks::pause(std::chrono::milliseconds time) {
    std::unique_lock lock{mutex_};
    return !changed_.wait_for(lock, time, [this] { return is_stopped_; });
}

}  // namespace fip::plugin
