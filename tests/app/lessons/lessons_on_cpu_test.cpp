// Lessons taken to their end on the CPU, with a real worker.
#include "app/lessons/progress.h"
#include "profiler/client/worker_client.h"
#include "profiler/model/catalogue.h"

#include <catch2/catch_all.hpp>

#include <algorithm>

using namespace moescope;
using namespace moescope::lessons;

namespace {

bool compares_samples(const Question &question) {
    return std::ranges::any_of(question.choices, [](const Choice &choice) {
        return choice.right.text().find("change(") != std::string::npos;
    });
}

} // namespace

TEST_CASE("a reader with a CPU alone can answer every question but the tuner's", "[lessons]") {
    constexpr double kPatience = 200; // seconds
    const auto catalogue = load_catalogue(MOESCOPE_ASSETS "/models.json");
    REQUIRE(catalogue.ok());
    for (const Lesson &lesson : load_lessons(MOESCOPE_ASSETS "/lessons").lessons) {
        INFO(lesson.id);
        auto client = WorkerClient::start({{MOESCOPE_WORKER_PATH}, "this machine"});
        for (const std::size_t control : lesson.question.controls) {
            const auto workload = lesson_workload(lesson, Session(), {}, Workload(), *catalogue);
            REQUIRE(workload.ok());
            auto plan = control_plan(lesson.controls[control], *workload, *catalogue, "cpu", true);
            REQUIRE(plan.ok());
            plan->repetition = {.warmup = 0, .min_samples = 2, .max_samples = 3, .max_seconds = 0.05};
            if (compares_samples(lesson.question)) // enough for an interval, however slow the machine is
                plan->repetition = {.warmup = 0, .min_samples = 10, .max_samples = 10, .max_seconds = 20};
            plan->check_results = false;
            client->run(std::move(*plan));
        }
        REQUIRE(client->wait(kPatience));
        const SessionPtr session = client->session();
        REQUIRE(session->runs.size() == lesson.question.controls.size());
        for (const RunRecord &run : session->runs)
            CHECK(run.state == RunRecord::State::Done);
        const RunId last{std::uint32_t(session->runs.size() - 1)};
        Reply reply;
        for (std::size_t i = 0; i < lesson.question.choices.size(); ++i)
            if (lesson.question.choices[i].right.evaluate(*session, last).holds())
                reply.choice = int(i);
        reply.number = lesson.question.number.evaluate(*session, last).value;
        const Verdict verdict = judge(lesson.question, reply, *session, last);
        INFO(verdict.why.text);
        const bool needs_tiles = lesson.id == "why-a-tile-is-fast";
        CHECK((verdict.state == Verdict::State::Found) == !needs_tiles);
    }
}
