// Undo and redo over values: what was, what is, and what was undone.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace moescope {

template <typename T> class History {
  public:
    explicit History(T present = {}, std::size_t limit = 200) : present_(std::move(present)), limit_(limit) {}

    const T &present() const { return present_; }
    bool can_undo() const { return !past_.empty(); }
    bool can_redo() const { return !future_.empty(); }
    // What undo and redo would bring; null: nothing.
    const T *before() const { return past_.empty() ? nullptr : &past_.back(); }
    const T *after() const { return future_.empty() ? nullptr : &future_.back(); }

    // The value is another one now: a step of its own, and what was undone is forgotten. The same value
    // is no step.
    void note(T value) {
        if (value == present_)
            return;
        past_.push_back(std::exchange(present_, std::move(value)));
        if (past_.size() > limit_)
            past_.erase(past_.begin());
        future_.clear();
    }
    // A value that is nobody's doing: no way back from it.
    void start_from(T value) { *this = History(std::move(value), limit_); }

    // The value to go back to, or forward to.
    std::optional<T> undo() { return move(past_, future_); }
    std::optional<T> redo() { return move(future_, past_); }

  private:
    std::optional<T> move(std::vector<T> &from, std::vector<T> &to) {
        if (from.empty())
            return std::nullopt;
        to.push_back(std::exchange(present_, std::move(from.back())));
        from.pop_back();
        return present_;
    }

    T present_;
    std::vector<T> past_, future_; // the nearest last
    std::size_t limit_;
};

} // namespace moescope
