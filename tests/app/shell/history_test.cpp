#include "app/shell/history.h"
#include "app/views/workload_choice.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("undo goes back value by value and redo forward again") {
    History<int> history(1);
    CHECK_FALSE(history.can_undo());
    CHECK_FALSE(history.undo());
    history.note(2);
    history.note(2); // no step
    history.note(3);
    CHECK(*history.before() == 2);
    CHECK(history.undo() == 2);
    CHECK(history.undo() == 1);
    CHECK_FALSE(history.can_undo());
    CHECK(*history.after() == 2);
    CHECK(history.redo() == 2);
    CHECK(history.present() == 2);
    CHECK(history.can_redo());
}

TEST_CASE("a change after an undo forgets what was undone") {
    History<int> history(1);
    history.note(2);
    history.undo();
    history.note(5);
    CHECK_FALSE(history.can_redo());
    CHECK(history.undo() == 1);
    CHECK(history.redo() == 5);
}

TEST_CASE("a value that is nobody's doing has no way back") {
    History<int> history(1);
    history.note(2);
    history.start_from(7);
    CHECK_FALSE(history.can_undo());
    CHECK_FALSE(history.can_redo());
    CHECK(history.present() == 7);
}

TEST_CASE("the oldest steps go where there are too many") {
    History<int> history(0, /*limit=*/3);
    for (int i = 1; i <= 10; ++i)
        history.note(i);
    int steps = 0;
    while (history.undo())
        ++steps;
    CHECK(steps == 3);
    CHECK(history.present() == 7);
}

TEST_CASE("everything chosen for a run is one value that can be put back") {
    WorkloadState state;
    const WorkloadChoice before = choice_of(state);
    state.workload.tokens = 77;
    state.device = "cuda:1";
    state.wanted.fill(true);
    state.cache = CacheState::Warm;
    state.counters.chosen = {"basic"};
    state.sample_instructions = true;
    const WorkloadChoice after = choice_of(state);
    CHECK_FALSE(after == before);
    state.search = "qwen"; // no choice
    apply(before, state);
    CHECK(choice_of(state) == before);
    CHECK(state.search == "qwen");
    apply(after, state);
    CHECK(choice_of(state) == after);
}

TEST_CASE("a change of the workload has words") {
    const WorkloadChoice before;
    WorkloadChoice after = before;
    CHECK(change_between(before, after).empty());
    after.workload.tokens = 64;
    CHECK(change_between(before, after) == "tokens 2,048 → 64");
    after.wanted[0] = !after.wanted[0];
    CHECK(change_between(before, after) == "tokens 2,048 → 64 and 1 more");
    after = before;
    after.wanted[0] = !after.wanted[0];
    CHECK(change_between(before, after) == "1 operator");
    after = before;
    after.workload.model.hidden += 8;
    CHECK(change_between(before, after) == "the model's shape");
}
