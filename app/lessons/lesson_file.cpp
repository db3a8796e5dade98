#include "app/lessons/figure.h"
#include "app/lessons/lesson.h"
#include "profiler/base/try.h"
#include "profiler/model/json_file.h"
#include "profiler/workload/operators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace moescope::lessons {

namespace {

using nlohmann::json;

// An object of the file that may have only keys we read.
class Reader {
  public:
    Reader(const json &value, std::string where) : object_(value, std::move(where)) {}

    Status begin(std::initializer_list<std::string_view> keys) const {
        if (!object_.value().is_object())
            return Error{where(), "it must be an object", ""};
        for (const auto &[key, value] : object_.value().items())
            if (std::ranges::find(keys, key) == keys.end())
                return Error{fmt::format("{}: \"{}\"", where(), key),
                             fmt::format("there is no such key; the keys are {}", fmt::join(keys, ", ")), ""};
        return {};
    }
    const std::string &where() const { return object_.where(); }
    const json *find(std::string_view key) const { return object_.find(key); }
    std::string place(std::string_view key) const { return fmt::format("{}: {}", where(), key); }

    Status text(std::string_view key, std::string &to, bool needed = true) const {
        Result<std::optional<std::string>> value = object_.text(key);
        MOESCOPE_TRY(value);
        if (needed && (!*value || (*value)->empty()))
            return Error{fmt::format("{} has no \"{}\"", where(), key), "it needs one, as a text", ""};
        to = value->value_or("");
        return {};
    }
    template <class Number> Status number(std::string_view key, std::optional<Number> &to) const {
        Result<std::optional<std::int32_t>> value = object_.integer(key);
        MOESCOPE_TRY(value);
        if (*value)
            to = Number(**value);
        return {};
    }
    Status real(std::string_view key, double &to) const {
        Result<std::optional<double>> value = object_.real(key);
        MOESCOPE_TRY(value);
        to = value->value_or(to);
        return {};
    }
    Status yes(std::string_view key, bool &to) const {
        Result<std::optional<bool>> value = object_.boolean(key);
        MOESCOPE_TRY(value);
        to = value->value_or(to);
        return {};
    }
    Status texts(std::string_view key, std::vector<std::string> &to) const {
        return each(key, [&](const json &entry, const std::string &at) -> Status {
            if (!entry.is_string())
                return Error{at, "it must be a text", ""};
            to.push_back(entry.get<std::string>());
            return {};
        });
    }
    Status expression(std::string_view key, Expression &to, bool needed = true) const {
        std::string words;
        MOESCOPE_TRY(text(key, words, needed));
        if (words.empty())
            return {};
        Result<Expression> made = Expression::parse(words);
        if (!made)
            return Error{fmt::format("{}: {}", place(key), made.error().what), made.error().why, ""};
        to = std::move(*made);
        return {};
    }
    Status words(std::string_view key, Template &to) const {
        std::string text_;
        MOESCOPE_TRY(text(key, text_));
        return words_of(text_, place(key), to);
    }
    static Status words_of(const std::string &text, const std::string &where, Template &to) {
        Result<Template> made = Template::parse(text);
        if (!made)
            return Error{fmt::format("{}: {}", where, made.error().what), made.error().why, ""};
        to = std::move(*made);
        return {};
    }
    // read(entry, place) of each entry of a list; a missing list has none.
    template <class Read> Status each(std::string_view key, Read read) const {
        const json *list = find(key);
        if (!list)
            return {};
        if (!list->is_array())
            return Error{place(key), "it must be a list", ""};
        for (std::size_t i = 0; i < list->size(); ++i)
            MOESCOPE_TRY(read((*list)[i], fmt::format("{} {}", place(key), i + 1)));
        return {};
    }

  private:
    JsonObject object_;
};

Status read_change(const json *value, const std::string &where, WorkloadChange &to) {
    if (!value)
        return {};
    const Reader object(*value, where);
    MOESCOPE_TRY(object.begin({"model", "tokens", "experts", "top_k", "groups", "groups_kept", "rank", "vocab",
                               "hidden", "intermediate", "skew"}));
    MOESCOPE_TRY(object.text("model", to.model, false));
    MOESCOPE_TRY(object.number("tokens", to.tokens));
    MOESCOPE_TRY(object.number("experts", to.experts));
    MOESCOPE_TRY(object.number("top_k", to.top_k));
    MOESCOPE_TRY(object.number("groups", to.groups));
    MOESCOPE_TRY(object.number("groups_kept", to.groups_kept));
    MOESCOPE_TRY(object.number("rank", to.rank));
    MOESCOPE_TRY(object.number("vocab", to.vocab));
    MOESCOPE_TRY(object.number("hidden", to.hidden));
    MOESCOPE_TRY(object.number("intermediate", to.intermediate));
    std::string skew;
    MOESCOPE_TRY(object.text("skew", skew, false));
    if (skew.empty())
        return {};
    Result<Skew> parsed = parse_skew(skew);
    if (!parsed)
        return Error{fmt::format("{}: {}", where, parsed.error().what), parsed.error().why, parsed.error().remedy};
    to.skew = *parsed;
    return {};
}

// Every variant belongs to one of the operators.
Status check_names(const Control &control, const std::string &where) {
    if (control.ops.empty())
        return Error{fmt::format("{} has no \"ops\"", where), "a control runs at least one operator", ""};
    std::set<std::string_view> variants;
    for (const std::string &name : control.ops) {
        const Result<OperatorId> op = find_operator(name);
        if (!op)
            return Error{fmt::format("{}: {}", where, op.error().what), op.error().why, ""};
        for (const VariantInfo &variant : info(*op).variants)
            variants.insert(variant.name);
    }
    for (const std::string &name : control.variants)
        if (!variants.contains(name))
            return Error{fmt::format("{}: variant \"{}\"", where, name), "none of its operators has it", ""};
    return {};
}

Status read_control(const json &value, const std::string &where, Control &to) {
    const Reader object(value, where);
    MOESCOPE_TRY(object.begin({"label", "explain", "ops", "variants", "workload", "on_cpu", "tune"}));
    MOESCOPE_TRY(object.text("label", to.label));
    MOESCOPE_TRY(object.text("explain", to.explain));
    MOESCOPE_TRY(object.texts("ops", to.ops));
    MOESCOPE_TRY(object.texts("variants", to.variants));
    MOESCOPE_TRY(read_change(object.find("workload"), object.place("workload"), to.change));
    MOESCOPE_TRY(read_change(object.find("on_cpu"), object.place("on_cpu"), to.on_cpu));
    MOESCOPE_TRY(object.yes("tune", to.tune));
    return check_names(to, where);
}

// Controls by their labels, as places in the lesson's list.
Status read_uses(const Reader &object, const std::vector<Control> &controls, std::vector<std::size_t> &to) {
    return object.each("controls", [&](const json &entry, const std::string &at) -> Status {
        const std::string label = entry.is_string() ? entry.get<std::string>() : "";
        const auto found = std::ranges::find(controls, label, &Control::label);
        if (found == controls.end())
            return Error{fmt::format("{} is {}", at, short_text(entry)), "the lesson has no control of that label", ""};
        to.push_back(std::size_t(found - controls.begin()));
        return {};
    });
}

// A text, or one with another to say while its values are not known.
Status read_paragraph(const json &value, const std::string &where, Paragraph &to) {
    if (value.is_string())
        return Reader::words_of(value.get<std::string>(), where, to.text);
    const Reader object(value, where);
    MOESCOPE_TRY(object.begin({"text", "unknown"}));
    MOESCOPE_TRY(object.words("text", to.text));
    return object.words("unknown", to.unknown);
}

Status read_page(const json &value, const std::string &where, const std::vector<Control> &controls, Page &to) {
    const Reader object(value, where);
    MOESCOPE_TRY(object.begin({"title", "text", "figure", "controls"}));
    MOESCOPE_TRY(object.text("title", to.title));
    MOESCOPE_TRY(object.text("figure", to.figure, false));
    if (!to.figure.empty() && !find_figure(to.figure)) {
        std::string names;
        for (const FigureMaker &each : figure_makers())
            names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
        return Error{fmt::format("{}: figure \"{}\"", where, to.figure),
                     fmt::format("there is none of that name; there are {}", names), ""};
    }
    MOESCOPE_TRY(object.each("text", [&](const json &entry, const std::string &at) {
        return read_paragraph(entry, at, to.text.emplace_back());
    }));
    if (to.text.empty())
        return Error{fmt::format("{} has no \"text\"", where), "it needs a list of paragraphs", ""};
    return read_uses(object, controls, to.controls);
}

Status read_question(const json &value, const std::string &where, const std::vector<Control> &controls, Question &to) {
    const Reader object(value, where);
    MOESCOPE_TRY(object.begin({"text", "choices", "number", "tolerance", "unit", "reached", "needs", "found",
                               "not_yet", "controls"}));
    MOESCOPE_TRY(object.text("text", to.text));
    MOESCOPE_TRY(object.each("choices", [&](const json &entry, const std::string &at) -> Status {
        const Reader choice(entry, at);
        MOESCOPE_TRY(choice.begin({"text", "right"}));
        Choice &made = to.choices.emplace_back();
        MOESCOPE_TRY(choice.words("text", made.text));
        return choice.expression("right", made.right);
    }));
    MOESCOPE_TRY(object.expression("number", to.number, false));
    MOESCOPE_TRY(object.real("tolerance", to.tolerance));
    MOESCOPE_TRY(object.text("unit", to.unit, false));
    MOESCOPE_TRY(object.expression("reached", to.reached, false));
    MOESCOPE_TRY(object.each("needs", [&](const json &entry, const std::string &at) -> Status {
        const Reader need(entry, at);
        MOESCOPE_TRY(need.begin({"holds", "otherwise"}));
        Question::Need &made = to.needs.emplace_back();
        MOESCOPE_TRY(need.expression("holds", made.holds));
        return need.text("otherwise", made.otherwise);
    }));
    MOESCOPE_TRY(object.words("found", to.found));
    MOESCOPE_TRY(object.words("not_yet", to.not_yet));
    if (int(!to.choices.empty()) + int(!to.number.empty()) + int(!to.reached.empty()) != 1)
        return Error{where, "it must have exactly one of choices, number and reached", ""};
    if (!to.number.empty() && !(to.tolerance > 0))
        return Error{object.place("tolerance"), "a number is right within a tolerance above 0", ""};
    return read_uses(object, controls, to.controls);
}

Status read_whole(const Reader &object, Lesson &to) {
    std::string format;
    MOESCOPE_TRY(object.text("format", format));
    if (format != "moescope.lesson")
        return Error{object.place("format"), "it must be \"moescope.lesson\"", ""};
    MOESCOPE_TRY(object.begin({"format", "version", "order", "title", "summary", "minutes", "suits", "model", "pages",
                               "controls", "question"}));
    std::optional<int> version, order, minutes;
    MOESCOPE_TRY(object.number("version", version));
    if (version != 1)
        return Error{object.place("version"), "it must be 1", ""};
    MOESCOPE_TRY(object.number("order", order));
    MOESCOPE_TRY(object.number("minutes", minutes));
    to.order = order.value_or(0);
    to.minutes = minutes.value_or(5);
    MOESCOPE_TRY(object.text("title", to.title));
    MOESCOPE_TRY(object.text("summary", to.summary));
    MOESCOPE_TRY(object.expression("suits", to.suits, false));
    MOESCOPE_TRY(object.text("model", to.model));
    MOESCOPE_TRY(object.each("controls", [&](const json &entry, const std::string &at) {
        return read_control(entry, at, to.controls.emplace_back());
    }));
    MOESCOPE_TRY(object.each("pages", [&](const json &entry, const std::string &at) {
        return read_page(entry, at, to.controls, to.pages.emplace_back());
    }));
    if (to.pages.empty())
        return Error{object.place("pages"), "a lesson has at least one page", ""};
    if (!object.find("question"))
        return Error{fmt::format("{} has no \"question\"", object.where()), "a lesson ends with one", ""};
    return read_question(*object.find("question"), object.place("question"), to.controls, to.question);
}

} // namespace

Filled Paragraph::fill(const Session &session, RunId run) const {
    Filled filled = text.fill(session, run);
    return filled.known || unknown.empty() ? filled : unknown.fill(session, run);
}

Result<Lesson> parse_lesson(std::string_view text, const std::string &name) {
    Result<json> document = parse_json_object(text, name);
    MOESCOPE_TRY(document);
    Lesson lesson;
    lesson.id = std::filesystem::path(name).stem().string();
    MOESCOPE_TRY(read_whole(Reader(*document, name), lesson));
    return lesson;
}

Result<Lesson> read_lesson(const std::filesystem::path &file) {
    const Result<std::string> text = read_text_file(file);
    MOESCOPE_TRY(text);
    return parse_lesson(*text, file.filename().string());
}

LessonList load_lessons(const std::filesystem::path &folder) {
    LessonList list;
    std::error_code problem;
    for (const auto &entry : std::filesystem::directory_iterator(folder, problem)) {
        if (entry.path().extension() != ".json")
            continue;
        Result<Lesson> lesson = read_lesson(entry.path());
        if (lesson)
            list.lessons.push_back(std::move(*lesson));
        else
            list.problems.push_back(lesson.error());
    }
    if (problem)
        list.problems.push_back({fmt::format("lessons {}", folder.string()), problem.message(), ""});
    std::ranges::sort(list.lessons, {}, [](const Lesson &lesson) { return std::pair(lesson.order, lesson.id); });
    return list;
}

} // namespace moescope::lessons
