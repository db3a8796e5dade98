#include "app/lessons/progress.h"

#include "profiler/base/try.h"
#include "profiler/model/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope::lessons {

namespace {

template <class T, class From> void set(T &field, const std::optional<From> &value) {
    if (value)
        field = T(*value);
}

Status apply(const WorkloadChange &change, std::span<const ModelShape> catalogue, Workload &to) {
    if (!change.model.empty()) {
        const auto found = std::ranges::find(catalogue, change.model, &ModelShape::name);
        if (found == catalogue.end())
            return Error{fmt::format("model \"{}\"", change.model), "the catalogue has none of that name", ""};
        to.model = *found;
    }
    set(to.tokens, change.tokens);
    set(to.lora_rank, change.rank);
    set(to.skew, change.skew);
    set(to.model.experts, change.experts);
    set(to.model.top_k, change.top_k);
    set(to.model.groups, change.groups);
    set(to.model.groups_kept, change.groups_kept);
    set(to.model.vocab, change.vocab);
    set(to.model.hidden, change.hidden);
    set(to.model.intermediate, change.intermediate);
    return {};
}

Verdict not_yet(std::string why) { return {Verdict::State::NotYet, {std::move(why)}}; }

Verdict judge_choice(const Question &question, int chosen, const Session &session, RunId run) {
    bool decided = false;
    std::string missing;
    for (const Choice &choice : question.choices) {
        const Answer right = choice.right.evaluate(session, run);
        decided |= right.holds();
        if (!right.known())
            missing = right.missing;
    }
    if (!decided && !missing.empty())
        return not_yet(fmt::format("Not yet: {}.", missing));
    if (chosen < 0 || std::size_t(chosen) >= question.choices.size())
        return not_yet("It has been measured: choose an answer.");
    const bool found = question.choices[std::size_t(chosen)].right.evaluate(session, run).holds();
    Verdict verdict{found ? Verdict::State::Found : Verdict::State::Wrong,
                    (found ? question.found : question.not_yet).fill(session, run)};
    if (!missing.empty()) // why the other choices cannot be judged
        verdict.why.text += fmt::format(" The comparison is {}.", missing);
    return verdict;
}

Verdict judge_number(const Question &question, std::optional<double> given, const Session &session, RunId run) {
    const Answer right = question.number.evaluate(session, run);
    if (!right.known())
        return not_yet(fmt::format("Not yet: {}.", right.missing));
    if (!given)
        return not_yet("It has been measured: write down the number.");
    if (std::abs(*given - *right.value) <= question.tolerance * std::abs(*right.value))
        return {Verdict::State::Found, question.found.fill(session, run)};
    return {Verdict::State::Wrong, question.not_yet.fill(session, run)};
}

Verdict judge_reached(const Question &question, const Session &session, RunId run) {
    const Answer reached = question.reached.evaluate(session, run);
    if (!reached.known())
        return not_yet(fmt::format("Not yet: {}.", reached.missing));
    if (reached.holds())
        return {Verdict::State::Found, question.found.fill(session, run)};
    return {Verdict::State::NotYet, question.not_yet.fill(session, run)};
}

} // namespace

Result<Workload> lesson_workload(const Lesson &lesson, const Session &session, RunId run, const Workload &base,
                                 std::span<const ModelShape> catalogue) {
    const bool there = run.valid() && run.value < session.runs.size();
    if (there && (lesson.suits.empty() || lesson.suits.evaluate(session, run).holds()))
        return session.runs[run.value].plan.workload;
    Workload workload = base;
    MOESCOPE_TRY(apply({.model = lesson.model}, catalogue, workload));
    return workload;
}

Result<Plan> control_plan(const Control &control, Workload workload, std::span<const ModelShape> catalogue,
                          const std::string &device, bool on_cpu) {
    MOESCOPE_TRY(apply(control.change, catalogue, workload));
    if (on_cpu)
        MOESCOPE_TRY(apply(control.on_cpu, catalogue, workload));
    MOESCOPE_TRY(validate(workload));
    Result<std::vector<PlanItem>> items = plan_items(workload, control.ops, control.variants);
    MOESCOPE_TRY(items);
    Plan plan;
    plan.workload = std::move(workload);
    plan.device = device;
    plan.items = std::move(*items);
    if (control.tune && !on_cpu)
        plan.tune = plan.items;
    MOESCOPE_TRY(validate(plan));
    return plan;
}

Verdict judge(const Question &question, const Reply &reply, const Session &session, RunId run) {
    for (const Question::Need &need : question.needs)
        if (!need.holds.evaluate(session, run).holds())
            return not_yet("Not yet: " + need.otherwise);
    if (!question.choices.empty())
        return judge_choice(question, reply.choice, session, run);
    if (!question.number.empty())
        return judge_number(question, reply.number, session, run);
    return judge_reached(question, session, run);
}

} // namespace moescope::lessons
