// The shipped lessons, and files that are none.
#include "app/lessons/figure.h"
#include "app/lessons/progress.h"
#include "profiler/model/catalogue.h"
#include "profiler/session/session_file.h"
#include "tests/support/fuzzed_session.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>

#include <set>

using namespace moescope;
using namespace moescope::lessons;

namespace {

const LessonList &shipped() {
    static const LessonList list = load_lessons(MOESCOPE_ASSETS "/lessons");
    return list;
}

const std::vector<ModelShape> &catalogue() {
    static const auto models = load_catalogue(MOESCOPE_ASSETS "/models.json");
    return models.value();
}

// A lesson that is right, to spoil.
std::string sound_lesson() {
    return R"({"format": "moescope.lesson", "version": 1, "title": "T", "summary": "S", "model": "Mixtral-8x7B",
 "controls": [{"label": "Run", "explain": "It runs.", "ops": ["gate_up"], "variants": ["fused"]}],
 "pages": [{"title": "P", "text": ["{tokens:count} tokens"], "figure": "bitonic_sort", "controls": ["Run"]}],
 "question": {"text": "Q?", "reached": "tokens > 5", "found": "F", "not_yet": "N"}})";
}

std::string spoilt(const std::string &what, const std::string &by) {
    std::string text = sound_lesson();
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

Reply right_reply(const Question &question, const Session &session, RunId run) {
    Reply reply;
    for (std::size_t i = 0; i < question.choices.size(); ++i)
        if (question.choices[i].right.evaluate(session, run).holds())
            reply.choice = int(i);
    reply.number = question.number.evaluate(session, run).value;
    return reply;
}

Reply wrong_reply(const Question &question, const Session &session, RunId run) {
    Reply reply;
    for (std::size_t i = 0; i < question.choices.size(); ++i)
        if (!question.choices[i].right.evaluate(session, run).holds())
            reply.choice = int(i);
    if (const auto right = question.number.evaluate(session, run).value)
        reply.number = *right * (1 + 2 * question.tolerance) + 1;
    return reply;
}

} // namespace

TEST_CASE("every lesson file loads, and there are lessons", "[lessons]") {
    for (const Error &problem : shipped().problems)
        FAIL_CHECK(problem.sentence());
    REQUIRE(shipped().lessons.size() >= 10);
    std::set<std::string> titles;
    std::set<int> orders;
    for (const Lesson &lesson : shipped().lessons) {
        INFO(lesson.id);
        CHECK(titles.insert(lesson.title).second);
        CHECK(orders.insert(lesson.order).second);
        CHECK_FALSE(lesson.question.controls.empty()); // the reader can measure where the question is
        CHECK(std::ranges::any_of(lesson.pages, [](const Page &page) { return !page.figure.empty(); }));
    }
}

TEST_CASE("every control of every lesson makes a plan, on a GPU and on the CPU", "[lessons]") {
    for (const Lesson &lesson : shipped().lessons) {
        const auto workload = lesson_workload(lesson, Session(), {}, Workload(), catalogue());
        INFO(lesson.id);
        REQUIRE(workload.ok());
        CHECK(workload->model.name == lesson.model);
        for (const Control &control : lesson.controls)
            for (const bool on_cpu : {false, true}) {
                const auto plan = control_plan(control, *workload, catalogue(), on_cpu ? "cpu" : "cuda:0", on_cpu);
                INFO(control.label << (plan.ok() ? "" : ": " + plan.error().sentence()));
                REQUIRE(plan.ok());
                CHECK_FALSE(plan->items.empty());
                CHECK(plan->tune.empty() == (!control.tune || on_cpu));
            }
    }
}

TEST_CASE("every question waits for measurements, can be met and can be missed", "[lessons]") {
    using State = Verdict::State;
    for (const Lesson &lesson : shipped().lessons) {
        INFO(lesson.id);
        const Question &question = lesson.question;
        const Verdict before = judge(question, {.choice = 0, .number = 1}, Session(), {});
        CHECK(before.state == State::NotYet);
        CHECK(before.why.text.starts_with("Not yet: "));
        std::set<int> right; // choices that were right in some session
        bool met = false, missed = false;
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            const SessionPtr session = test::fuzzed_session(seed, 3, seed % 2 ? 40 : 1.05);
            const RunId run{2};
            const Verdict found = judge(question, right_reply(question, *session, run), *session, run);
            const Verdict wrong = judge(question, wrong_reply(question, *session, run), *session, run);
            met |= found.state == State::Found;
            missed |= wrong.state != State::Found;
            if (found.state == State::Found && !question.choices.empty())
                right.insert(right_reply(question, *session, run).choice);
            CHECK_FALSE(found.why.text.empty());
            CHECK_FALSE(wrong.why.text.empty());
            if (question.reached.empty()) {
                CHECK(wrong.state != State::Found);
            }
        }
        CHECK(met);
        CHECK(missed);
        CHECK(right.size() == question.choices.size());
    }
}

TEST_CASE("exactly one choice is right wherever it can be judged", "[lessons]") {
    for (const Lesson &lesson : shipped().lessons)
        for (std::uint64_t seed = 0; seed < 60 && !lesson.question.choices.empty(); ++seed) {
            const SessionPtr session = test::fuzzed_session(seed, 2, seed % 2 ? 40 : 1.05);
            int known = 0, right = 0;
            for (const Choice &choice : lesson.question.choices) {
                const Answer answer = choice.right.evaluate(*session, RunId{1});
                known += answer.known();
                right += answer.holds();
            }
            INFO(lesson.id << " seed " << seed);
            if (known == int(lesson.question.choices.size())) {
                CHECK(right == 1);
            }
        }
}

TEST_CASE("every lesson's figures have frames and captions, on its own model and on a run's", "[lessons]") {
    const SessionPtr session = test::sample_session();
    for (const Lesson &lesson : shipped().lessons) {
        INFO(lesson.id);
        const auto own = lesson_workload(lesson, *session, {}, Workload(), catalogue());
        const auto of_run = lesson_workload(lesson, *session, RunId{0}, Workload(), catalogue());
        REQUIRE(own.ok());
        REQUIRE(of_run.ok());
        for (const Page &page : lesson.pages)
            for (const Workload &workload : {*own, *of_run}) {
                if (page.figure.empty())
                    continue;
                INFO(page.figure << " of " << workload.model.name);
                const Figure figure = find_figure(page.figure)->make({workload, *session, RunId{0}});
                CHECK(figure.why.empty());
                CHECK(figure.frames.size() >= 4);
                for (const Frame &frame : figure.frames) {
                    CHECK_FALSE(frame.caption.empty());
                    CHECK_FALSE(frame.shapes.empty());
                }
            }
    }
}

TEST_CASE("a reader without a GPU can answer from the recorded sessions what a CPU cannot show", "[lessons]") {
    const std::pair<const char *, std::set<std::string>> answerable[] = {
        {"OLMoE-1B-7B", {"softmax-topk", "why-a-tile-is-fast", "lora-fused-or-split", "reading-a-roofline"}},
        {"Mixtral-8x7B", {"softmax-topk", "bitonic-sort", "lora-fused-or-split", "reading-a-roofline"}},
        {"OLMoE-1B-7B-sweeps", {"tokens-to-tiles", "nf4-selective-dequantisation"}},
        {"OLMoE-1B-7B-every-operator", {"backward-without-atomics", "online-softmax-and-entropy"}}};
    for (const auto &[name, lessons] : answerable) {
        const auto session = read_session(fmt::format("{}/sessions/{}.moescope", MOESCOPE_ASSETS, name));
        REQUIRE(session.ok());
        for (const Lesson &lesson : shipped().lessons) {
            if (!lessons.contains(lesson.id))
                continue;
            INFO(lesson.id << " of " << name);
            const Reply right = right_reply(lesson.question, *session, RunId{0});
            CHECK(judge(lesson.question, right, *session, RunId{0}).state == Verdict::State::Found);
            const Reply wrong = wrong_reply(lesson.question, *session, RunId{0});
            if (lesson.question.reached.empty())
                CHECK(judge(lesson.question, wrong, *session, RunId{0}).state == Verdict::State::Wrong);
        }
    }
}

TEST_CASE("before anything is run no page has a gap where a value would stand", "[lessons]") {
    for (const Lesson &lesson : shipped().lessons)
        for (const Page &page : lesson.pages)
            for (const Paragraph &paragraph : page.text) {
                const Filled filled = paragraph.fill(Session(), {});
                INFO(lesson.id << ": " << filled.text);
                CHECK(filled.known);
                CHECK_FALSE(filled.text.empty());
            }
}

TEST_CASE("a paragraph of values that are not known says another thing", "[lessons]") {
    const auto lesson = parse_lesson(
        spoilt("\"{tokens:count} tokens\"", R"({"text": "{tokens:count} tokens", "unknown": "No run."})"), "mine.json");
    REQUIRE(lesson.ok());
    const Paragraph &paragraph = lesson->pages[0].text[0];
    CHECK(paragraph.fill(Session(), {}).text == "No run.");
    CHECK(paragraph.fill(*test::sample_session(), RunId{1}).text == "512 tokens");
}

TEST_CASE("a sound lesson is read whole", "[lessons]") {
    const auto lesson = parse_lesson(sound_lesson(), "mine.json");
    INFO((lesson.ok() ? "" : lesson.error().sentence()));
    REQUIRE(lesson.ok());
    CHECK(lesson->id == "mine");
    CHECK(lesson->controls[0].variants == std::vector<std::string>{"fused"});
    CHECK(lesson->pages[0].controls == std::vector<std::size_t>{0});
}

TEST_CASE("a bad lesson file is one error that names the file, the place and what is wrong", "[lessons]") {
    const auto error = [](const std::string &text) {
        const auto lesson = parse_lesson(text, "mine.json");
        REQUIRE_FALSE(lesson.ok());
        CHECK(lesson.error().sentence().find("mine.json") != std::string::npos);
        return lesson.error().sentence();
    };
    const auto has = [](const std::string &text, const std::string &part) {
        INFO(text);
        return text.find(part) != std::string::npos;
    };
    CHECK(has(error("{"), "line"));
    CHECK(has(error("{}"), "format"));
    CHECK(has(error(spoilt("\"version\": 1", "\"version\": 2")), "it must be 1"));
    CHECK(has(error(spoilt("\"title\": \"T\",", "")), "has no \"title\""));
    CHECK(has(error(spoilt("\"title\": \"T\"", "\"titel\": \"T\"")), "there is no such key"));
    CHECK(has(error(spoilt("gate_up", "gate_upp")), "controls 1: operator \"gate_upp\" is unknown"));
    CHECK(has(error(spoilt("\"fused\"", "\"fuzed\"")), "variant \"fuzed\""));
    CHECK(has(error(spoilt("bitonic_sort", "bitonic")), "figure \"bitonic\""));
    CHECK(has(error(spoilt("[\"Run\"]", "[\"Walk\"]")), "no control of that label"));
    CHECK(has(error(spoilt("tokens > 5", "tokns > 5")), "question: reached"));
    CHECK(has(error(spoilt("{tokens:count}", "{tokens}")), "pages 1: text"));
    CHECK(has(error(spoilt("\"reached\": \"tokens > 5\",", "")), "exactly one of choices, number and reached"));
    CHECK(has(error(spoilt("\"reached\": \"tokens > 5\"", "\"number\": \"tokens\"")), "tolerance"));
    CHECK(has(error(spoilt("\"ops\": [\"gate_up\"],", "")), "has no \"ops\""));
}

TEST_CASE("files that are no lessons leave the others readable", "[lessons]") {
    const LessonList none = load_lessons("/nonexistent/lessons");
    CHECK(none.lessons.empty());
    REQUIRE(none.problems.size() == 1);
    CHECK(none.problems[0].sentence().find("/nonexistent/lessons") != std::string::npos);
}

TEST_CASE("a control that cannot run says why", "[lessons]") {
    Workload workload;
    Control control{.label = "x", .ops = {"gate_up"}, .change = {.model = "No such model"}};
    CHECK(control_plan(control, workload, catalogue(), "cpu", true).error().what == "model \"No such model\"");
    control.change = {.tokens = 0};
    CHECK(control_plan(control, workload, catalogue(), "cpu", true).error().sentence().find("tokens") != std::string::npos);
    control.change = {.tokens = 8};
    control.on_cpu = {.tokens = 2};
    CHECK(control_plan(control, workload, catalogue(), "cpu", true)->workload.tokens == 2);
    CHECK(control_plan(control, workload, catalogue(), "cuda:0", false)->workload.tokens == 8);
}
