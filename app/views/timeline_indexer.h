// Keeps a timeline's model of the newest session without holding up the window: what is much is made on
// a thread of its own, and until it is there the model before is shown.
#pragma once

#include "app/shell/background_task.h"
#include "app/views/timeline_model.h"

#include <functional>
#include <memory>
#include <string>

namespace moescope {

class TimelineIndexer {
  public:
    // Once a frame. A session that does not continue the one before has no model until it is made.
    // wake: called from another thread when there is something new to draw; may be empty.
    void update(const SessionPtr &session, const std::string &query, const std::function<void()> &wake);

    const TimelineModel &model() const { return *shown_; }
    std::shared_ptr<const TimelineModel> share() const { return shown_; }
    bool busy() const { return task_.busy(); }

    // Records that are added, or searched, at once.
    static constexpr std::size_t kAtOnce = 50'000;

  private:
    using Model = std::shared_ptr<const TimelineModel>;
    void start(const std::function<void()> &wake);

    std::shared_ptr<TimelineBuilder> builder_ = std::make_shared<TimelineBuilder>(); // the task's while it runs
    Model shown_ = std::make_shared<const TimelineModel>();
    SessionPtr session_; // of the builder
    std::string query_;
    BackgroundTask<Model> task_;
};

} // namespace moescope
