#include "app/views/routing.h"

#include "app/views/routing_parts.h"
#include "app/views/number.h"
#include "app/views/plot_area.h"
#include "app/views/plot_data.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

namespace moescope {

namespace {

const RoutingRecord *routing_of(const Session &session, RunId run) {
    const RoutingRecord *found = nullptr;
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run && !routing.counts.empty())
            found = &routing;
    return found;
}

struct Fact {
    std::string value, label;
    Evidence evidence;
    std::string explain;
};

void draw_facts(const ViewContext &context, const RoutingRecord &routing, const LoadStats &stats) {
    const Fact facts[] = {
        {format_count(double(stats.slots)), "slots", Evidence::Reported,
         fmt::format("{} tokens × top-{}", format_count(double(routing.tokens)), routing.top_k)},
        {format_ratio(stats.imbalance), "imbalance", Evidence::Measured,
         fmt::format("The most loaded expert's {} slots over the mean of {:.1f}, counted in this run's routing: 1 is even.",
                     format_count(double(stats.most)), stats.mean)},
        {fmt::format("{:.2f}", stats.variation), "variation", Evidence::Measured,
         "Coefficient of variation of the load, counted in this run's routing: standard deviation over mean. 0 is even."},
        {fmt::format("{} of {}", stats.empty, routing.counts.size()), "empty experts", Evidence::Measured,
         "Experts that no token of this run's routing chose: their weights are not read."}};
    for (const Fact &fact : facts) {
        if (&fact != facts)
            ui::flow(ui::text_width(fact.value) * 1.1f + ui::text_width(fact.label) + ImGui::GetFontSize() + 10 * context.scale,
                     20 * context.scale);
        ImGui::BeginGroup();
        ui::mark(context.theme, fact.evidence);
        ImGui::SameLine(0, 4 * context.scale);
        ui::heading(fact.value);
        ImGui::SameLine(0, 6 * context.scale);
        ui::text(fact.label, context.theme.muted);
        ImGui::EndGroup();
        ui::explain(context.theme, fact.evidence, fact.explain);
    }
}

} // namespace

void draw_routing(const ViewContext &context, RoutingState &state) {
    const Session &session = *context.session;
    const bool has_run = context.run.valid() && context.run.value < session.runs.size();
    const RoutingRecord *routing = has_run ? routing_of(session, context.run) : nullptr;
    if (!routing) {
        ui::empty_state(
            context.theme, "No routing yet",
            "Run any grouped operator to see which experts its tokens choose, and what "
            "that costs in padded tiles and idle waves.",
            {{"Run", context.run_plan}, {"Show a recording", context.recording(ViewId::Routing)}});
        return;
    }
    const LoadStats stats = load_stats(routing->counts);
    draw_facts(context, *routing, stats);
    if (ImGui::Checkbox("Sort by load", &state.sorted))
        state.plot = {};
    const auto data = [&] { return routing_csv(*routing); };
    {
        const PlotArea area(context, "routing", "Slots of each expert", data);
        draw_load(context, state, *routing, stats);
    }
    ImGui::Dummy({0, 8 * context.scale});
    draw_tiles(context, state, *routing);
}

} // namespace moescope
