#include "app/views/metric_picker.h"

#include "app/views/ui.h"
#include "profiler/base/units.h"
#include "profiler/metrics/metric_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kPopup = "hardware counters";

// One drawing of the list.
class Picker {
  public:
    Picker(const ViewContext &context, MetricPickerState &state, const std::string &refusal)
        : context_(context), theme_(context.theme), state_(state), refusal_(refusal) {}

    void draw_combo();
    void draw_popup();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    void draw_head();
    void draw_sets();
    void draw_list();
    int listing_rank(const MetricInfo &metric) const;
    void draw_metric(const MetricInfo &metric);
    void explain(const MetricInfo &metric, const NamedMetric *named) const;
    void draw_foot();

    const ViewContext &context_;
    const Theme &theme_;
    MetricPickerState &state_;
    const std::string &refusal_;
};

void Picker::draw_combo() {
    const std::string cost = counters_cost(state_);
    const std::string shown = counters_summary(state_.sets, state_.chosen) + (cost.empty() ? "" : " · " + cost);
    if (ImGui::BeginCombo("##counters", ui::fitted_in_combo(shown).c_str())) {
        if (ImGui::Selectable("none", state_.chosen.empty()))
            state_.chosen.clear();
        for (const MetricSet &set : state_.sets.sets) {
            const std::vector<std::string> wanted = state_.sets.wanted(set);
            if (ImGui::Selectable(set.title.c_str(), state_.chosen == wanted))
                state_.chosen = wanted;
            ui::explain(set.explain);
        }
        ImGui::Separator();
        if (ImGui::Selectable("Choose metrics …"))
            state_.opening = true;
        ImGui::EndCombo();
    } else
        ui::explain(shown);
    const std::string problem = state_.sets_error ? state_.sets_error->sentence() : state_.chosen.empty() ? "" : refusal_;
    if (!problem.empty()) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(problem, state_.sets_error ? theme_.failure : theme_.warning);
    }
}

void Picker::draw_popup() {
    if (state_.opening)
        ImGui::OpenPopup(kPopup);
    state_.opening = false;
    const ImGuiViewport &whole = *ImGui::GetMainViewport();
    ImGui::SetNextWindowPos(whole.GetCenter(), ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSize({std::min(px(760), whole.Size.x * 0.95f), std::min(px(600), whole.Size.y * 0.95f)});
    if (!ImGui::BeginPopup(kPopup))
        return;
    draw_head();
    draw_sets();
    draw_list();
    draw_foot();
    ImGui::EndPopup();
}

void Picker::draw_head() {
    ui::heading("Hardware counters");
    ui::explain("What the chip itself counts while a kernel runs. Counters are read in passes of their own after the "
                "timing, so they change no time; the more of them, the more passes.");
    const MetricsAnswer *answer = state_.catalogue.answer.get();
    const std::string chip = !state_.chip.empty() ? state_.chip : answer ? answer->chip : "the device's chip";
    ImGui::SetNextItemWidth(px(120));
    if (ImGui::BeginCombo("##chip", ui::fitted_in_combo(chip).c_str())) {
        if (ImGui::Selectable("the device's chip", state_.chip.empty()))
            state_.chip.clear();
        for (const std::string &known : answer ? answer->chips : std::vector<std::string>{})
            if (ImGui::Selectable(known.c_str(), state_.chip == known))
                state_.chip = known;
        ImGui::EndCombo();
    }
    ui::explain("Whose counters are listed: GH100 is Hopper (H100, H200), AD102 Ada, GB100 and GB202 Blackwell, GA100 an A100. "
                "A run always reads those of its own device.");
    ImGui::SameLine();
    ImGui::SetNextItemWidth(-FLT_MIN);
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    ImGui::InputTextWithHint("##search", "Search names and descriptions: dram bytes, bank conflicts, tensor …", &state_.search);
}

void Picker::draw_sets() {
    ui::text("Sets", theme_.muted);
    for (const MetricSet &set : state_.sets.sets) {
        ImGui::SameLine();
        if (ImGui::SmallButton(set.title.c_str()))
            state_.chosen = state_.sets.wanted(set);
        ui::explain(set.explain);
    }
    ImGui::SameLine();
    ImGui::BeginDisabled(state_.chosen.empty());
    if (ImGui::SmallButton("None"))
        state_.chosen.clear();
    ImGui::EndDisabled();
}

// Without a search: what is ticked, what the sets know, the others, and last those of special
// configurations ("SM_C.TriageCompute.…").
int Picker::listing_rank(const MetricInfo &metric) const {
    if (is_chosen(state_.chosen, metric))
        return 0;
    if (state_.sets.find_metric(readable_name(metric)))
        return 1;
    return metric.name.find('.') == metric.name.npos ? 2 : 3;
}

void Picker::draw_list() {
    const float foot = ImGui::GetTextLineHeightWithSpacing() * 2;
    ImGui::BeginChild("metrics", {0, -foot});
    const MetricsAnswer *answer = state_.catalogue.answer.get();
    if (!answer || answer->error != Error{}) {
        ui::wrapped(answer ? answer->error.sentence()
                    : context_.progress.state == WorkerClient::State::Running
                        ? "The worker answers when its run is done."
                        : "The worker is asked which counters there are.",
                    answer ? theme_.failure : theme_.muted);
    } else {
        std::vector<const MetricInfo *> found = search_metrics(answer->catalogue, state_.search);
        if (state_.search.empty())
            std::ranges::stable_sort(found, {}, [&](const MetricInfo *each) { return listing_rank(*each); });
        if (found.empty())
            ui::wrapped("No counter of this chip has these words in its name or description.", theme_.muted);
        ImGuiListClipper clipper;
        clipper.Begin(int(found.size()), ImGui::GetFrameHeightWithSpacing());
        while (clipper.Step())
            for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
                draw_metric(*found[std::size_t(i)]);
    }
    ImGui::EndChild();
}

void Picker::draw_metric(const MetricInfo &metric) {
    const NamedMetric *named = state_.sets.find_metric(readable_name(metric));
    const std::string &unit = named ? named->title : metric.unit;
    const float column = std::round(ImGui::GetContentRegionAvail().x * 0.5f), gap = px(8);
    const float start = ImGui::GetCursorPosX(), unit_width = ImGui::CalcTextSize(unit.c_str()).x + gap;
    bool wanted = is_chosen(state_.chosen, metric);
    if (ImGui::Checkbox((ui::fitted(metric.name, column - ImGui::GetFrameHeight() - 2 * gap) + "###" + metric.name).c_str(), &wanted))
        choose(state_.chosen, metric, wanted);
    explain(metric, named);
    ImGui::SameLine(start + column);
    ui::text(ui::fitted(metric.description, ImGui::GetContentRegionAvail().x - unit_width), theme_.muted);
    explain(metric, named);
    ImGui::SameLine();
    ui::right_aligned(unit, theme_.muted);
}

void Picker::explain(const MetricInfo &metric, const NamedMetric *named) const {
    ui::explain(fmt::format("{}\n\n{}{}{}, counted by {}. Read as {}.", metric.name,
                            metric.description.empty() ? "" : metric.description + ". ", named ? named->explain + "\n\n" : "",
                            name_of(metric.kind), metric.hardware, readable_name(metric)));
}

void Picker::draw_foot() {
    const std::string cost = counters_cost(state_);
    ui::text(state_.chosen.empty() ? "Nothing is chosen: only times are measured."
                                   : fmt::format("{} chosen{}", state_.chosen.size(), cost.empty() ? "" : ": " + cost));
    ui::explain("A pass is one more run of each operator, over the whole repetition and again kernel by kernel, after its "
                "timing. Counters that the hardware cannot count together need passes of their own.");
    const MetricsAnswer *answer = state_.cost.answer.get();
    if (answer && !answer->missing.empty() && !state_.chosen.empty()) {
        ui::small(ui::fitted(fmt::format("{} of them not on {}", answer->missing.size(), answer->chip),
                             ImGui::GetContentRegionAvail().x),
                  theme_.warning);
        ui::explain(fmt::format("{} does not offer {}.", answer->chip, fmt::join(answer->missing, ", ")));
    } else if (!refusal_.empty()) {
        ui::small(ui::fitted(refusal_, ImGui::GetContentRegionAvail().x), theme_.warning);
        ui::explain(refusal_);
    }
}

std::string key_of(const MetricsRequest &request) {
    return fmt::format("{}|{}|{}", request.device, request.chip, fmt::join(request.metrics, ","));
}

// One question: its answer is taken when it has come, and asked for anew when the wish has changed.
void update(MetricPickerState::Question &question, const MetricsRequest &request, const MetricPickerActions &actions) {
    if (question.number != 0)
        if (auto answer = actions.take_answer(question.number)) {
            question.answer = std::move(answer);
            question.number = 0;
        }
    const std::string key = key_of(request);
    if (question.key == key || question.number != 0)
        return;
    question.number = actions.ask(request);
    if (question.number != 0)
        question.key = key;
}

} // namespace

std::string counters_summary(const MetricSets &sets, const std::vector<std::string> &chosen) {
    if (chosen.empty())
        return "none";
    for (const MetricSet &set : sets.sets)
        if (sets.wanted(set) == chosen)
            return set.title;
    return fmt::format("{} metric{}", chosen.size(), chosen.size() == 1 ? "" : "s");
}

std::string counters_cost(const MetricPickerState &state) {
    const MetricsAnswer *answer = state.cost.answer.get();
    if (state.chosen.empty() || !answer || state.cost.number != 0 || answer->error != Error{})
        return "";
    return fmt::format("{} pass{} on {}", answer->passes, answer->passes == 1 ? "" : "es", answer->chip);
}

bool is_chosen(const std::vector<std::string> &chosen, const MetricInfo &metric) {
    const std::string name = readable_name(metric);
    return std::ranges::any_of(chosen, [&](const std::string &each) {
        for (const std::string &alternative : alternatives(each))
            if (alternative == name || alternative.starts_with(metric.name + "."))
                return true;
        return false;
    });
}

void choose(std::vector<std::string> &chosen, const MetricInfo &metric, bool wanted) {
    if (wanted && !is_chosen(chosen, metric))
        chosen.push_back(readable_name(metric));
    if (!wanted)
        std::erase_if(chosen, [&](const std::string &each) { return is_chosen({each}, metric); });
}

void update_questions(MetricPickerState &state, const std::string &device, bool listing, const MetricPickerActions &actions) {
    if (!actions.ask || !actions.take_answer)
        return;
    if (listing || state.catalogue.number != 0)
        update(state.catalogue, {state.chip, device, {}, true}, actions);
    if (!state.chosen.empty() || state.cost.number != 0)
        update(state.cost, {state.chip, device, state.chosen, false}, actions);
}

void forget_questions(MetricPickerState &state) { state.catalogue = state.cost = {}; }

void draw_metric_picker(const ViewContext &context, MetricPickerState &state, const std::string &device,
                        const std::string &refusal, const MetricPickerActions &actions) {
    Picker picker(context, state, refusal);
    picker.draw_combo();
    const bool listing = state.opening || ImGui::IsPopupOpen(kPopup);
    update_questions(state, device, listing, actions);
    picker.draw_popup();
}

} // namespace moescope
