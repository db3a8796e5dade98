// What the selected measurement's counters read, and what the device did meanwhile.
#include "app/views/inspector_parts.h"

#include "app/views/inspector_rows.h"
#include "app/views/kernel_name.h"
#include "app/views/metric_text.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"
#include "profiler/session/throttle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace moescope {

namespace {

// The range's rows: each counter, the DRAM bytes against the least, and where the warps wait.
class RangeRows {
  public:
    RangeRows(const ViewContext &context, const CounterRange &range, const Measurement &m)
        : session_(*context.session), range_(range), measurement_(m),
          rows_(context.theme, context.scale), theme_(context.theme) {}

    // theoretical: the occupancy the launch allows, 0..1; 0 unknown.
    void draw(double theoretical) const {
        for (const CounterRange::Value &value : range_.values) {
            const std::string_view metric = session_.name(value.metric);
            if (!stall_reason(metric).empty())
                continue;
            draw_value(value, theoretical);
            if (range_.kernel < 0 &&
                (is(metric, Counter::DramWritten) || metric == "dram__bytes.sum"))
                draw_traffic();
        }
        draw_stalls();
    }

  private:
    void draw_value(const CounterRange::Value &value, double theoretical) const {
        const std::string_view metric = session_.name(value.metric);
        const MetricSets &known = known_metrics();
        const std::string title = known.title(metric);
        const std::string text = known.value_text(metric, value.value);
        std::string words = explain_metric(metric);
        if (!is_percentage(metric) || !std::isfinite(value.value)) {
            rows_.property(title, text, words, Evidence::Measured);
            return;
        }
        std::optional<double> mark;
        if (is(metric, Counter::Occupancy) && theoretical > 0) {
            mark = theoretical;
            words +=
                fmt::format("\nThe mark is the theoretical occupancy, {:.1f} %: what registers "
                            "and shared memory of the longest kernel allow.",
                            theoretical * 100);
        }
        rows_.bar(title, text, value.value / 100, words, mark);
    }

    void draw_traffic() const {
        const auto bytes = range_.dram_bytes(session_);
        if (!bytes || measurement_.cost.bytes <= 0)
            return;
        rows_.property("DRAM / least bytes", format_ratio(*bytes / measurement_.cost.bytes),
                       fmt::format("Measured {} read and written, over the modelled {} that must "
                                   "be moved at least. Above 1: something is read again, or an "
                                   "intermediate result leaves the L2. Below 1: written bytes "
                                   "that still lay in the L2 at the end.",
                                   format_bytes(*bytes), format_bytes(measurement_.cost.bytes)),
                       Evidence::Estimated);
    }

    void draw_stalls() const {
        const auto stalls = range_.stalls(session_);
        if (stalls.empty())
            return;
        double sum = 0;
        for (const Stall &stall : stalls)
            sum += stall.warps;
        ImGui::Dummy({0, ImGui::GetStyle().ItemSpacing.y});
        ui::small("Where the warps wait", theme_.muted);
        constexpr std::size_t kMost = 6;
        for (std::size_t i = 0; i < std::min(kMost, stalls.size()); ++i) {
            const std::string_view metric = session_.name(stalls[i].metric);
            rows_.bar(known_metrics().title(metric), fmt::format("{:.2f}", stalls[i].warps),
                      stalls[i].warps / sum,
                      fmt::format("{}\n{:.1f} % of the waiting warps.", explain_metric(metric),
                                  100 * stalls[i].warps / sum));
        }
    }

    static bool is(std::string_view metric, Counter counter) {
        const auto names = names_of(counter);
        return std::find(names.begin(), names.end(), metric) != names.end();
    }

    const Session &session_;
    const CounterRange &range_;
    const Measurement &measurement_;
    InspectorRows rows_;
    const Theme &theme_;
};

std::string range_text(double low, double high, const char *unit) {
    const std::string from = format_count(std::round(low)), to = format_count(std::round(high));
    return from == to ? fmt::format("{} {}", to, unit) : fmt::format("{} – {} {}", from, to, unit);
}

// The theoretical occupancy of the measurement's longest kernel; 0 where none was recorded.
double theoretical_occupancy(const Session &session, std::span<const std::uint32_t> kernels) {
    const KernelRecord *longest = nullptr;
    for (const std::uint32_t index : kernels) {
        const KernelRecord &kernel = session.kernels[index];
        if (!longest || kernel.end_ns - kernel.start_ns > longest->end_ns - longest->start_ns)
            longest = &kernel;
    }
    return longest ? double(longest->theoretical_occupancy) : 0;
}

} // namespace

void draw_counters(const ViewContext &context, InspectorState &state, MeasurementId id) {
    const Session &session = *context.session;
    if (state.copies_session != context.session || state.copies_of != id) {
        state.copies_session = context.session;
        state.copies_of = id;
        state.copies = repetition_copies(session, id);
        state.theoretical_occupancy = theoretical_occupancy(session, state.kernels.of(id));
    }
    const Measurement &m = session.measurements[id.value];
    if (session.runs[m.run.value].device.is_cpu())
        return;
    const InspectorRows rows(context.theme, context.scale);
    const auto ranges = state.counters.of(id);
    if (ranges.empty()) {
        rows.section("Hardware counters");
        ui::wrapped("None were read. A run with counters shows here what went through memory, how "
                    "busy the units were and where the warps waited.",
                    context.theme.muted);
        return;
    }
    rows.section("Hardware counters", Evidence::Measured);
    if (ranges.front().kernel < 0)
        RangeRows(context, ranges.front(), m).draw(state.theoretical_occupancy);
    if (state.copies.count > 0)
        ui::wrapped(fmt::format("A repetition also has {:.3g} fills and copies, {}: they are in its time and in the counters "
                                "of the repetition, and in no kernel's own.",
                                state.copies.count, format_duration_ns(state.copies.duration_ns)),
                    context.theme.muted);
    if (state.copies.count > 0)
        ui::explain(context.theme, Evidence::Measured, "By CUPTI's records of copies, a mean over the repetitions.");
    for (const CounterRange &range : ranges) {
        if (range.kernel < 0)
            continue;
        const float room = ImGui::GetContentRegionAvail().x - 2 * ImGui::GetFontSize();
        const std::string title =
            fmt::format("{}  {}", range.kernel + 1, short_kernel_name(session.name(range.name)));
        const std::string name = fmt::format("{}###{}", ui::fitted(title, room), range.kernel);
        const bool open = ImGui::TreeNodeEx(name.c_str(), ImGuiTreeNodeFlags_SpanAvailWidth |
                                                              ImGuiTreeNodeFlags_NoTreePushOnOpen);
        ui::explain(fmt::format("Kernel {} of the repetition, counted on its own:\n{}",
                                range.kernel + 1, session.name(range.name)));
        if (open)
            RangeRows(context, range, m).draw(0);
    }
}

namespace {

std::optional<DeviceStates> states_while(const Session &session, MeasurementId id,
                                         std::span<const std::uint32_t> kernels) {
    if (kernels.empty())
        return std::nullopt;
    std::int64_t from = session.kernels[kernels.front()].start_ns, to = from;
    for (const std::uint32_t kernel : kernels) {
        from = std::min(from, session.kernels[kernel].start_ns);
        to = std::max(to, session.kernels[kernel].end_ns);
    }
    return device_states(session, session.measurements[id.value].run, from, to);
}

} // namespace

void draw_device_state(const ViewContext &context, InspectorState &state, MeasurementId id) {
    if (state.states_session != context.session || state.states_of != id) {
        state.states_session = context.session;
        state.states_of = id;
        state.states = states_while(*context.session, id, state.kernels.of(id));
    }
    const std::optional<DeviceStates> &states = state.states;
    if (!states)
        return;
    const InspectorRows rows(context.theme, context.scale);
    const std::string how =
        fmt::format("By NVML, from {} readings round the measurement.", states->readings);
    rows.section("The device meanwhile", Evidence::Measured);
    rows.property("SM clock", range_text(states->sm_clock_low, states->sm_clock_high, "MHz"), how,
                  Evidence::Measured);
    rows.property("Memory clock",
                  range_text(states->memory_clock_low, states->memory_clock_high, "MHz"), how,
                  Evidence::Measured);
    rows.property("Temperature",
                  range_text(states->temperature_low, states->temperature_high, "°C"), how,
                  Evidence::Measured);
    rows.property("Power",
                  fmt::format("{:.0f} W, at most {:.0f}", states->power_mean, states->power_high),
                  "Mean and highest. " + how, Evidence::Measured);
    const std::string reasons = throttle_text(states->reasons);
    rows.property("Held back by", reasons.empty() ? "nothing" : reasons,
                  "Why the clocks were lower than they could be (NVML's clock event reasons). An "
                  "idle GPU is no reason. " +
                      how,
                  Evidence::Measured);
}

} // namespace moescope
