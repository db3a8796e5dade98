#include "app/cli/lessons_command.h"

#include "app/cli/say.h"
#include "app/cli/text_table.h"
#include "app/lessons/facts.h"
#include "app/lessons/progress.h"
#include "profiler/base/assets.h"
#include "profiler/base/try.h"
#include "profiler/model/catalogue.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moescope::cli {

namespace {

using lessons::Lesson;

// What the file alone cannot tell: every control must make a plan, with the lesson's own model, on a
// GPU and on the CPU.
Status check_plans(const Lesson &lesson, const std::vector<ModelShape> &catalogue) {
    const auto workload = lessons::lesson_workload(lesson, Session(), {}, Workload(), catalogue);
    MOESCOPE_TRY(workload);
    for (const lessons::Control &control : lesson.controls)
        for (const bool on_cpu : {false, true})
            if (const auto plan = lessons::control_plan(control, *workload, catalogue, "auto", on_cpu); !plan)
                return Error{fmt::format("{}: control \"{}\": {}", lesson.id, control.label, plan.error().what),
                             plan.error().why, plan.error().remedy};
    return {};
}

int check_file(const std::string &file, const std::vector<ModelShape> &catalogue) {
    const Result<Lesson> lesson = lessons::read_lesson(file);
    if (!lesson)
        return complain(lesson.error(), kFailed);
    if (const Status status = check_plans(*lesson, catalogue); !status)
        return complain(status.error(), kFailed);
    show(fmt::format("{}: a lesson of {} pages, {} controls and a question\n", file, lesson->pages.size(),
                     lesson->controls.size()));
    return kDone;
}

std::string lessons_json(const std::vector<Lesson> &all) {
    nlohmann::json list = nlohmann::json::array();
    for (const Lesson &lesson : all)
        list.push_back({{"id", lesson.id},
                        {"title", lesson.title},
                        {"summary", lesson.summary},
                        {"minutes", lesson.minutes},
                        {"pages", lesson.pages.size()},
                        {"question", lesson.question.text}});
    return nlohmann::json{{"format", "moescope.lessons"}, {"version", 1}, {"lessons", list}}.dump(2) + "\n";
}

std::string lessons_table(const std::vector<Lesson> &all) {
    std::vector<std::vector<std::string>> rows;
    for (const Lesson &lesson : all)
        rows.push_back({lesson.title, fmt::format("{}", lesson.minutes), lesson.summary});
    return text_table({{"lesson"}, {"minutes", Align::Right}, {"what"}}, rows);
}

// How a fact is written.
std::string written(const lessons::Fact &fact) {
    switch (fact.takes) {
    case lessons::Takes::Operator:
        return fmt::format("{}(OPERATOR)", fact.name);
    case lessons::Takes::Measurement:
        return fmt::format("{}(OPERATOR.VARIANT)", fact.name);
    case lessons::Takes::Number:
        return fmt::format("{}(ROWS)", fact.name);
    case lessons::Takes::Nothing:
        break;
    }
    return std::string(fact.name);
}

std::string facts_table() {
    std::vector<std::vector<std::string>> rows;
    for (const lessons::Fact &fact : lessons::facts())
        rows.push_back({written(fact), std::string(fact.explain)});
    return text_table({{"fact"}, {"of a run"}}, rows);
}

} // namespace

void add_lessons_options(CLI::App &command, LessonsOptions &options) {
    command.add_option("--check", options.check, "Say whether a file is a lesson, and what is wrong if not")
        ->type_name("FILE");
    command.add_flag("--facts", options.facts, "List what a lesson's expressions can name");
    command.add_flag("--json", options.json, "Print one JSON document");
}

int lessons_command(const LessonsOptions &options) {
    const auto catalogue = load_catalogue(find_asset("models.json"));
    if (!catalogue)
        return complain(catalogue.error(), kFailed);
    if (options.facts) {
        show(facts_table());
        return kDone;
    }
    if (options.check)
        return check_file(*options.check, *catalogue);
    const lessons::LessonList list = lessons::load_lessons(find_asset("lessons"));
    show(options.json ? lessons_json(list.lessons) : lessons_table(list.lessons));
    int code = kDone;
    for (const Error &problem : list.problems)
        code = complain(problem, kFailed);
    for (const Lesson &lesson : list.lessons)
        if (const Status status = check_plans(lesson, *catalogue); !status)
            code = complain(status.error(), kFailed);
    return code;
}

} // namespace moescope::cli
