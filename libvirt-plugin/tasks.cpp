#include "tasks.hpp"

#include <algorithm>
#include <utility>

namespace fip::plugin {

namespace {

// A starting guest has a second or two before its system is up.
bool is_end_of(const std::string& uuid, const Task& task) {
    return task.uuid == uuid && (task.kind == Task::Kind::maybe_gone || task.kind == Task::Kind::left);
}

}  // namespace

std::deque<Task>& Tasks::queue_for(const Task& task) {
    if (!task.is_urgent()) return tasks_;
    const bool has_end = std::ranges::any_of(tasks_, [&](const Task& other) { return is_end_of(task.uuid, other); });
    return has_end ? tasks_ : urgent_;
}

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
        case Task::Kind::resumed:
            looks_.erase(task.uuid);
            break;
        case Task::Kind::compare:
            if (std::exchange(has_compare_, true)) return;
            break;
        case Task::Kind::waiting:
            if (std::exchange(has_waiting_, true)) return;
            break;
        case Task::Kind::started:
        case Task::Kind::removed:
        case Task::Kind::claimed:
        case Task::Kind::lost:
        case Task::Kind::reload:
            break;
        }
        auto& queue = queue_for(task);
        // Many may start at once: each is paused first, and then has time.
        const bool has_time = task.kind != Task::Kind::started || &queue != &urgent_;
        const auto place = has_time ? queue.end() : std::ranges::find(queue, Task::Kind::removed, &Task::kind);
        queue.insert(place, std::move(task));
    }
    changed_.notify_all();
}

void Tasks::push_front(Task task) {
    {
        const std::lock_guard lock{mutex_};
        if (task.kind == Task::Kind::compare) has_compare_ = true;
        if (task.kind == Task::Kind::waiting) has_waiting_ = true;
        auto& queue = queue_for(task);
        queue.push_front(std::move(task));
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
    const auto is_ready = [this] { return is_stopped_ || !urgent_.empty() || !tasks_.empty(); };
    if (!changed_.wait_until(lock, deadline, is_ready) || is_stopped_) return {};
    auto& queue = urgent_.empty() ? tasks_ : urgent_;
    Task task = std::move(queue.front());
    queue.pop_front();
    if (task.kind == Task::Kind::look || task.kind == Task::Kind::changed) looks_.erase(task.uuid);
    if (task.kind == Task::Kind::compare) has_compare_ = false;
    if (task.kind == Task::Kind::waiting) has_waiting_ = false;
    return task;
}

std::optional<Task> Tasks::pop_urgent() {
    const std::lock_guard lock{mutex_};
    if (is_stopped_ || urgent_.empty()) return {};
    Task task = std::move(urgent_.front());
    urgent_.pop_front();
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
