// A lesson: pages with moving pictures, buttons that run kernels, and a question that the reader
// answers by measuring. All of it is data, in assets/lessons/*.json.
#pragma once

#include "app/lessons/expression.h"
#include "profiler/plan/plan.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace moescope::lessons {

// What of a workload a lesson changes; the rest stays as it is.
struct WorkloadChange {
    std::string model; // "": as it is
    std::optional<std::int64_t> tokens;
    std::optional<std::int32_t> experts, top_k, groups, groups_kept, rank, vocab, hidden, intermediate;
    std::optional<Skew> skew;
    friend bool operator==(const WorkloadChange &, const WorkloadChange &) = default;
};

// A button: it runs real kernels on the chosen device.
struct Control {
    std::string label, explain;
    std::vector<std::string> ops, variants;
    WorkloadChange change;
    WorkloadChange on_cpu; // on top of it, where the device is the CPU
    bool tune = false;
};

struct Paragraph {
    Template text;
    Template unknown; // said instead while a value of the text is not known; may be empty
    Filled fill(const Session &session, RunId run) const;
};

struct Page {
    std::string title;
    std::vector<Paragraph> text;
    std::string figure;         // "": none
    std::vector<std::size_t> controls;
};

struct Choice {
    Template text;
    Expression right; // when this is the answer
};

// Answered by one of the choices, by a number, or by bringing about what `reached` says.
struct Question {
    std::string text;
    std::vector<Choice> choices;
    Expression number; // the number, from the results
    double tolerance = 0; // relative
    std::string unit;
    Expression reached;
    // What must hold before an answer is looked at, and what to do until then.
    struct Need {
        Expression holds;
        std::string otherwise;
    };
    std::vector<Need> needs;
    Template found, not_yet; // said with the results
    std::vector<std::size_t> controls;
};

struct Lesson {
    std::string id; // the file's name
    std::string title, summary;
    int order = 0, minutes = 5;
    // The pictures and controls use the run's model where this holds, else `model`.
    Expression suits;
    std::string model;
    std::vector<Page> pages;
    std::vector<Control> controls;
    Question question;
};

// Errors name the file, the place in it and what is wrong there.
Result<Lesson> read_lesson(const std::filesystem::path &file);
// The same of text; `name` is the file's.
Result<Lesson> parse_lesson(std::string_view json, const std::string &name);

struct LessonList {
    std::vector<Lesson> lessons; // in their order
    std::vector<Error> problems; // of files that are no lessons
};
LessonList load_lessons(const std::filesystem::path &folder);

} // namespace moescope::lessons
