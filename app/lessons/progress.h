// What a lesson does with the session: its controls' plans, and whether its question is answered.
#pragma once

#include "app/lessons/lesson.h"
#include "profiler/model/model_shape.h"

#include <span>

namespace moescope::lessons {

// The workload that a lesson's pictures and controls start from: the run's own where it suits the
// lesson, else with the lesson's model. base: where there is no run.
Result<Workload> lesson_workload(const Lesson &lesson, const Session &session, RunId run, const Workload &base,
                                 std::span<const ModelShape> catalogue);

// The plan of a control. Errors: a model that the catalogue has not, or a plan that cannot run.
Result<Plan> control_plan(const Control &control, Workload workload, std::span<const ModelShape> catalogue,
                          const std::string &device, bool on_cpu);

// What the reader has answered.
struct Reply {
    int choice = -1;              // place in the question's choices; -1: none yet
    std::optional<double> number; // in the question's unit
};

struct Verdict {
    enum class State { Found, NotYet, Wrong } state = State::NotYet;
    Filled why; // a sentence or two
};

// Looks at the session's results. A question whose answer is a choice or a number is judged by the run
// given; what it needs and what is reached may speak of all runs.
Verdict judge(const Question &question, const Reply &reply, const Session &session, RunId run);

} // namespace moescope::lessons
