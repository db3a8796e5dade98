#include "app/views/lessons.h"

#include "app/lessons/facts.h"
#include "app/views/lessons_parts.h"
#include "app/views/lessons_words.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace moescope {

namespace {

using lessons::Lesson;

int pages_of(const Lesson &lesson) { return int(lesson.pages.size()) + 1; } // the question is the last

void go_to(LessonsState &state, const Lesson &lesson, int page) {
    state.page[lesson.id] = std::clamp(page, 0, pages_of(lesson) - 1);
    state.player = {};
    state.problem.reset();
}

// A disc that is empty, half or full: not begun, begun, found.
void draw_state(const ViewContext &context, const LessonsState &state, const Lesson &lesson, ImVec2 centre) {
    const Theme &theme = context.theme;
    const float radius = 4 * context.scale;
    auto &draw = *ImGui::GetWindowDrawList();
    const auto page = state.page.find(lesson.id);
    if (state.found.contains(lesson.id))
        draw.AddCircleFilled(centre, radius, packed(theme.good));
    else if (page != state.page.end() && page->second > 0)
        ui::draw_mark(draw, centre, radius, packed(theme.accent), Evidence::Estimated);
    else
        draw.AddCircle(centre, radius, packed(theme.muted, 0.7f), 0, std::max(1.0f, context.scale));
}

void draw_entry(const ViewContext &context, LessonsState &state, const Lesson &lesson) {
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float indent = 18 * context.scale, width = ImGui::GetContentRegionAvail().x;
    ImGui::PushID(lesson.id.c_str());
    if (ImGui::Selectable("##lesson", state.open == lesson.id, 0, {width, ImGui::GetTextLineHeight() + 4 * context.scale}))
        open_lesson(state, lesson.id);
    ui::explain(fmt::format("{}\nAbout {} minutes.{}", lesson.summary, lesson.minutes,
                            state.found.contains(lesson.id) ? " Its answer is found." : ""));
    ImGui::PopID();
    const float middle = at.y + ImGui::GetTextLineHeight() / 2 + 2 * context.scale;
    draw_state(context, state, lesson, {at.x + 7 * context.scale, middle});
    ImGui::GetWindowDrawList()->AddText({at.x + indent, middle - ImGui::GetTextLineHeight() / 2},
                                        packed(context.theme.text),
                                        ui::fitted(lesson.title, width - indent).c_str());
}

void draw_list(const ViewContext &context, LessonsState &state) {
    const auto &list = *state.list;
    const auto found = std::ranges::count_if(list.lessons, [&](const Lesson &l) { return state.found.contains(l.id); });
    ui::small(fmt::format("{} of {} answers found", found, list.lessons.size()), context.theme.muted);
    ImGui::Spacing();
    for (const Lesson &lesson : list.lessons)
        draw_entry(context, state, lesson);
    for (const Error &problem : list.problems)
        ui::wrapped(problem.sentence(), context.theme.failure);
}

// Where there is no room for the list beside the lesson.
void draw_combo(const ViewContext &context, LessonsState &state, const Lesson &open) {
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x);
    if (!ImGui::BeginCombo("##lessons", open.title.c_str(), ImGuiComboFlags_HeightLarge))
        return;
    draw_list(context, state);
    ImGui::EndCombo();
}

class LessonPage {
  public:
    LessonPage(const ViewContext &context, LessonsState &state, const LessonActions &actions, const Lesson &lesson)
        : context_(context), state_(state), actions_(actions), lesson_(lesson),
          page_(std::clamp(state.page[lesson.id], 0, pages_of(lesson) - 1)),
          workload_(lessons::lesson_workload(lesson, *context.session, context.run, actions.workload,
                                             actions.catalogue)) {}

    void draw() {
        draw_head();
        ImGui::BeginChild(fmt::format("{} {}", lesson_.id, page_).c_str(), // each page scrolls by itself
                          {0, -ImGui::GetFrameHeightWithSpacing() - 4 * context_.scale});
        if (page_ < int(lesson_.pages.size()))
            draw_page(lesson_.pages[std::size_t(page_)]);
        else
            draw_question();
        ImGui::EndChild();
        draw_foot();
    }

  private:
    const Theme &theme() const { return context_.theme; }
    float text_width() const { return std::min(ImGui::GetContentRegionAvail().x, 800 * context_.scale); }

    void draw_head() {
        ui::heading(lesson_.title);
        ImGui::SameLine(0, 10 * context_.scale);
        if (state_.found.contains(lesson_.id))
            ui::badge(theme(), "found", theme().good);
        else
            ui::text(fmt::format("about {} minutes", lesson_.minutes), theme().muted);
    }

    void draw_paragraph(const std::string &words) {
        ui::prose(theme(), words, {}, text_width());
        ImGui::Dummy({0, 2 * context_.scale});
    }

    void draw_paragraph(const lessons::Filled &filled) {
        ui::prose(theme(), filled.text, values_of(filled, *context_.session, context_.run), text_width());
        ImGui::Dummy({0, 2 * context_.scale});
    }

    void draw_page(const lessons::Page &page) {
        ui::text(page.title, theme().accent);
        for (const lessons::Paragraph &paragraph : page.text)
            draw_paragraph(paragraph.fill(*context_.session, context_.run));
        if (!page.figure.empty())
            draw_figure(page.figure);
        draw_controls(page.controls);
    }

    void draw_figure(const std::string &name) {
        if (!workload_) {
            ui::wrapped(workload_.error().sentence(), theme().failure);
            return;
        }
        auto &shown = state_.shown;
        const Session &session = *context_.session;
        if (!shown || shown->figure != name || shown->workload != *workload_ || shown->version != session.version ||
            shown->run != context_.run)
            shown = {name, *workload_, session.version, context_.run,
                     lessons::find_figure(name)->make({*workload_, session, context_.run})};
        const std::string whose = fmt::format("{}, {} tokens, seed {}", workload_->model.name, workload_->tokens, workload_->seed);
        const ui::Fact about{Evidence::Modelled,
                             fmt::format("Worked out from the inputs of {}: the same on every machine. Nothing was timed.", whose)};
        draw_player(context_, state_.player, shown->made, about);
        ui::small_wrapped(fmt::format("The numbers are those of {}.", whose), theme().muted);
        ui::explain(theme(), Evidence::Reported,
                    "The workload of the run shown where it suits the lesson, else that of the lesson's own model. Point at a "
                    "value of the picture to see how it came about.");
    }

    void run(const lessons::Control &control) {
        if (!workload_)
            return void(state_.problem = workload_.error());
        auto plan = lessons::control_plan(control, *workload_, actions_.catalogue, actions_.device, actions_.on_cpu);
        if (plan)
            actions_.run(std::move(*plan));
        else
            state_.problem = plan.error();
    }

    void draw_controls(const std::vector<std::size_t> &controls) {
        if (controls.empty())
            return;
        ImGui::Dummy({0, 4 * context_.scale});
        for (const std::size_t index : controls) {
            const lessons::Control &control = lesson_.controls[index];
            const float width = ImGui::CalcTextSize(control.label.c_str()).x + 2 * ImGui::GetStyle().FramePadding.x;
            if (index != controls.front()) {
                ImGui::SameLine();
                if (ImGui::GetContentRegionAvail().x < width)
                    ImGui::NewLine();
            }
            if (ImGui::Button(control.label.c_str()))
                run(control);
            ui::explain(control.explain);
        }
        if (context_.progress.state == WorkerClient::State::Running)
            ui::small_wrapped(context_.progress.doing, theme().accent);
        if (actions_.on_cpu)
            ui::small_wrapped("The device is this machine's CPU: its references run, smaller where they would take long.",
                              theme().muted);
        if (state_.problem)
            ui::wrapped(state_.problem->sentence(), theme().failure);
        std::vector<const lessons::Control *> drawn;
        for (const std::size_t index : controls) { // the same operators and variants once
            const lessons::Control &control = lesson_.controls[index];
            if (std::ranges::none_of(drawn, [&](const lessons::Control *each) {
                    return each->ops == control.ops && each->variants == control.variants;
                }))
                draw_results(context_, *drawn.emplace_back(&control));
        }
    }

    // Words that are longer than the line wrap beside their button, and can be clicked as well.
    static bool draw_choice(const std::string &words, int number, bool chosen) {
        const ImGuiStyle &style = ImGui::GetStyle();
        const float room = ImGui::GetContentRegionAvail().x - ImGui::GetFrameHeight() - style.ItemInnerSpacing.x;
        if (ImGui::CalcTextSize(words.c_str()).x <= room)
            return ImGui::RadioButton(fmt::format("{}##{}", words, number).c_str(), chosen);
        const bool pressed = ImGui::RadioButton(fmt::format("##{}", number).c_str(), chosen);
        ImGui::SameLine(0, style.ItemInnerSpacing.x);
        ui::wrapped(words, ImGui::GetStyleColorVec4(ImGuiCol_Text));
        return pressed || ImGui::IsItemClicked();
    }

    void draw_choices(lessons::Reply &reply) {
        for (std::size_t i = 0; i < lesson_.question.choices.size(); ++i) {
            const lessons::Filled words = lesson_.question.choices[i].text.fill(*context_.session, context_.run);
            if (draw_choice(words.text, int(i), reply.choice == int(i)))
                reply.choice = int(i);
            if (!words.values.empty()) {
                const ui::Fact fact = explain_value(words.values.front().expression, *context_.session, context_.run);
                ui::explain(theme(), fact.evidence, fact.words);
            }
        }
    }

    void draw_number(lessons::Reply &reply) {
        char buffer[32] = {};
        state_.number.copy(buffer, sizeof buffer - 1);
        ImGui::SetNextItemWidth(110 * context_.scale);
        if (ImGui::InputText("##number", buffer, sizeof buffer, ImGuiInputTextFlags_CharsDecimal)) {
            state_.number = buffer;
            double value = 0;
            const auto [end, problem] =
                std::from_chars(state_.number.data(), state_.number.data() + state_.number.size(), value);
            reply.number = problem == std::errc() ? std::optional(value) : std::nullopt;
        }
        ImGui::SameLine();
        ui::text(lesson_.question.unit, theme().muted);
    }

    void draw_verdict(const lessons::Verdict &verdict) {
        using State = lessons::Verdict::State;
        const bool found = verdict.state == State::Found, wrong = verdict.state == State::Wrong;
        ui::badge(theme(), found ? "found" : wrong ? "not this" : "not yet",
                  found ? theme().good : wrong ? theme().warning : theme().muted);
        draw_paragraph(verdict.why);
        if (found)
            state_.found.insert(lesson_.id);
    }

    void draw_question() {
        ui::text("Find out by measuring", theme().accent);
        draw_paragraph(lesson_.question.text);
        lessons::Reply &reply = state_.replies[lesson_.id];
        if (!lesson_.question.choices.empty())
            draw_choices(reply);
        if (!lesson_.question.number.empty())
            draw_number(reply);
        draw_controls(lesson_.question.controls);
        ImGui::Dummy({0, 6 * context_.scale});
        draw_verdict(lessons::judge(lesson_.question, reply, *context_.session, context_.run));
    }

    const Lesson *next_lesson() const {
        const auto &all = state_.list->lessons;
        const auto here = std::ranges::find(all, lesson_.id, &Lesson::id);
        return here != all.end() && here + 1 != all.end() ? &*(here + 1) : nullptr;
    }

    void draw_foot() {
        ImGui::BeginDisabled(page_ == 0);
        if (ImGui::Button("Previous page"))
            go_to(state_, lesson_, page_ - 1);
        ImGui::EndDisabled();
        ImGui::SameLine();
        const bool last = page_ + 1 == pages_of(lesson_);
        const Lesson *next = next_lesson();
        const std::string place = fmt::format("page {} of {}", page_ + 1, pages_of(lesson_));
        if (!last) {
            if (ui::primary_button(theme(), page_ + 2 == pages_of(lesson_) ? "The question" : "Next page"))
                go_to(state_, lesson_, page_ + 1);
        } else if (next) {
            const ImGuiStyle &style = ImGui::GetStyle();
            const float room = ImGui::GetContentRegionAvail().x - ImGui::CalcTextSize(place.c_str()).x -
                               style.ItemSpacing.x - 2 * style.FramePadding.x;
            const std::string label = ui::fitted(fmt::format("Next lesson: {}", next->title), room);
            if (state_.found.contains(lesson_.id) ? ui::primary_button(theme(), label.c_str())
                                                  : ImGui::Button(label.c_str()))
                open_lesson(state_, next->id);
            ui::explain(next->summary);
        }
        ImGui::SameLine();
        ui::text(place, theme().muted);
    }

    const ViewContext &context_;
    LessonsState &state_;
    const LessonActions &actions_;
    const Lesson &lesson_;
    int page_;
    Result<Workload> workload_;
};

const Lesson &opened(LessonsState &state) {
    const auto &all = state.list->lessons;
    const auto found = std::ranges::find(all, state.open, &Lesson::id);
    if (found != all.end())
        return *found;
    const auto first = std::ranges::find_if(all, [&](const Lesson &l) { return !state.found.contains(l.id); });
    const Lesson &lesson = first != all.end() ? *first : all.front();
    state.open = lesson.id;
    return lesson;
}

} // namespace

void draw_results(const ViewContext &context, const lessons::Control &control) {
    std::vector<const Measurement *> rows;
    for (const std::string &name : control.ops) {
        const auto op = find_operator(name);
        if (!op)
            continue;
        for (const VariantInfo &variant : info(*op).variants)
            if (control.variants.empty() || std::ranges::find(control.variants, variant.name) != control.variants.end())
                if (const Measurement *m = lessons::find_measurement(*context.session, context.run, *op, variant.name))
                    rows.push_back(m);
    }
    if (rows.empty())
        return;
    double longest = 0;
    float label = 0, value = 0;
    for (const Measurement *m : rows) {
        longest = std::max(longest, m->time.median);
        label = std::max(label, ImGui::CalcTextSize(title_of(*m).c_str()).x);
        value = std::max(value, ImGui::CalcTextSize(duration_or_dash(m->time.median).c_str()).x);
    }
    const float gap = 12 * context.scale, line = ImGui::GetTextLineHeight();
    const float room = std::min(ImGui::GetContentRegionAvail().x, 800 * context.scale) - label - value - 2 * gap;
    for (const Measurement *m : rows) {
        const ImVec2 at = ImGui::GetCursorScreenPos();
        ImGui::Dummy({label + value + 2 * gap + std::max(0.0f, room), line});
        ui::note_chart("results", ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
        ui::explain(context.theme, Evidence::Measured, title_of(*m) + ": " + time_fact(*m).words);
        auto &draw = *ImGui::GetWindowDrawList();
        const std::string time = duration_or_dash(m->time.median);
        draw.AddText(at, packed(context.theme.text), title_of(*m).c_str());
        draw.AddText({at.x + label + gap + value - ImGui::CalcTextSize(time.c_str()).x, at.y}, packed(context.theme.text),
                     time.c_str());
        const float left = at.x + label + value + 2 * gap;
        draw.AddRectFilled({left, at.y + line * 0.2f},
                           {left + std::max(2.0f, room * float(m->time.median / longest)), at.y + line * 0.85f},
                           packed(variant_colour(context.theme, m->op, m->variant)), 2 * context.scale);
    }
}

const lessons::LessonList &lesson_list(LessonsState &state) {
    if (!state.list)
        state.list = lessons::load_lessons(find_asset("lessons"));
    return *state.list;
}

void open_lesson(LessonsState &state, const std::string &id) {
    if (state.open == id)
        return;
    state.open = id;
    state.player = {};
    state.problem.reset();
    state.number.clear();
}

bool in_motion(const LessonsState &state, double now) {
    constexpr double kSight = 0.5; // seconds: longer ago, and the view is out of sight
    return state.player.moving() && state.seen_at >= 0 && now - state.seen_at < kSight;
}

void draw_lessons(const ViewContext &context, LessonsState &state, const LessonActions &actions) {
    lesson_list(state);
    state.seen_at = ImGui::GetTime();
    if (state.list->lessons.empty()) {
        const auto &problems = state.list->problems;
        ui::empty_state(context.theme, "No lessons",
                        problems.empty() ? "The folder assets/lessons holds none." : problems.front().sentence());
        return;
    }
    const Lesson &lesson = opened(state);
    const float list_width = 220 * context.scale;
    if (ImGui::GetContentRegionAvail().x > list_width + 700 * context.scale) { // else the picture is too small to read
        ImGui::BeginChild("list", {list_width, 0});
        draw_list(context, state);
        ImGui::EndChild();
        ImGui::SameLine(0, 16 * context.scale);
    } else {
        draw_combo(context, state, lesson);
    }
    ImGui::BeginChild("lesson", {0, 0});
    LessonPage(context, state, actions, lesson).draw();
    ImGui::EndChild();
}

} // namespace moescope
