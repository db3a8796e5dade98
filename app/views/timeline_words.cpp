#include "app/views/kernel_name.h"
#include "app/views/timeline_parts.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace moescope {

namespace {

constexpr const char *kCopyNames[] = {"Copy to device", "Copy to host", "Copy on device",
                                      "Copy on host",   "Memset",       "Copy"};

std::string measurement_name(const Session &session, std::uint32_t measurement) {
    if (measurement >= session.measurements.size())
        return "no measurement";
    const Measurement &m = session.measurements[measurement];
    return fmt::format("{} / {}", info(m.op).name, m.variant);
}

std::string tag_text(const Session &session, Tag tag) {
    if (!tag.measurement.valid())
        return "of no measurement";
    return measurement_name(session, tag.measurement.value) +
           (tag.repetition == kSampledRepetition ? ", sampled after the timing"
            : tag.repetition < 0                 ? ", warm-up or preparation"
                                                 : fmt::format(", repetition {}", tag.repetition));
}

std::string explain_kernel(const Session &session, std::size_t index) {
    const KernelRecord &kernel = session.kernels[index];
    const std::string_view name = session.name(kernel.name);
    return fmt::format(
        "{}One launch, by its CUPTI activity record: one sample.\ngrid {}×{}×{}, block {}×{}×{}, {} registers a thread, {} shared memory, "
        "{:.0f} % theoretical occupancy\nstream {}, correlation {}, {}",
        short_kernel_name(name) == name ? "" : fmt::format("{}\n", name), kernel.grid[0], kernel.grid[1], kernel.grid[2], kernel.block[0],
        kernel.block[1], kernel.block[2], kernel.registers,
        format_bytes(double(kernel.static_smem_bytes) + kernel.dynamic_smem_bytes),
        double(kernel.theoretical_occupancy) * 100, kernel.stream, kernel.correlation,
        tag_text(session, kernel.tag));
}

std::string explain_copy(const CopyRecord &copy) {
    const double seconds = double(copy.end_ns - copy.start_ns) * 1e-9;
    return fmt::format("{}, {} at {}", kCopyNames[std::min<std::size_t>(std::size_t(copy.kind), 5)],
                       format_bytes(double(copy.bytes)),
                       seconds > 0 ? format_bandwidth(double(copy.bytes) / seconds)
                                   : "no measured time");
}

// What there is to say beyond title and times.
std::string body_of(const Session &session, const TimelineHit &hit) {
    switch (hit.track.kind) {
    case TrackKind::Kernels:
        return explain_kernel(session, hit.ref);
    case TrackKind::Api:
        return fmt::format("correlation {}, {}", session.api_calls[hit.ref].correlation,
                           tag_text(session, session.api_calls[hit.ref].tag));
    case TrackKind::Copies:
        return explain_copy(session.copies[hit.ref]) + "\n" +
               tag_text(session, session.copies[hit.ref].tag);
    case TrackKind::Overhead:
        return "The profiler's own work, not the operators'.";
    case TrackKind::Measurements:
        return "From its first record to its last, preparation and warm-up included.";
    case TrackKind::Repetitions:
        break;
    }
    return "From the repetition's first kernel to its last.";
}

} // namespace

std::string format_moment(double ns, double step_ns) {
    constexpr std::pair<double, const char *> kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}};
    for (const auto &[size, unit] : kUnits)
        if (std::fabs(ns) >= size) {
            const int digits = std::clamp(int(std::ceil(std::log10(size / std::max(step_ns, 1.0)))), 0, 9);
            const int before_point = int(std::log10(std::fabs(ns) / size)) + 1;
            return before_point + digits <= 3 ? format_duration_ns(ns) : fmt::format("{:.{}f} {}", ns / size, digits, unit);
        }
    return format_duration_ns(ns);
}

std::string title_of(const Session &session, const TimelineHit &hit) {
    switch (hit.track.kind) {
    case TrackKind::Measurements:
        return measurement_name(session, hit.ref);
    case TrackKind::Repetitions:
        return fmt::format("{} #{}", measurement_name(session, hit.ref), hit.name);
    case TrackKind::Copies:
        return kCopyNames[std::min<std::size_t>(std::size_t(session.copies[hit.ref].kind), 5)];
    case TrackKind::Kernels:
        return short_kernel_name(session.name(NameId{hit.name}));
    case TrackKind::Api:
    case TrackKind::Overhead:
        break;
    }
    return std::string(session.name(NameId{hit.name}));
}

std::string explain(const Session &session, const TimelineModel &model, const TimelineHit &hit) {
    std::string text = title_of(session, hit);
    if (const auto place = model.find(hit)) {
        const TimelineItem &item = model.tracks().at(hit.track).rows()[place->row][place->index];
        text += fmt::format("\n{} from {}", format_duration_ns(double(item.end_ns - item.start_ns)),
                            format_moment(double(item.start_ns - model.origin_ns()),
                                          double(item.end_ns - item.start_ns) / 100));
    }
    return text + "\n" + body_of(session, hit);
}

TimeSpan sampled_span(const ViewContext &context, TimelineState &state) {
    TimeSpan span = state.model().sampled_span_of(context.selection.measurement);
    if (span.empty())
        if (const auto stretch = state.model().counters().stretch_after(shown_span(context, state).start_ns))
            span.add(stretch->first, stretch->second);
    return span;
}

void show_span(TimelineState &state, std::int64_t start_ns, std::int64_t end_ns) {
    const std::int64_t origin = state.model().origin_ns();
    state.range = fitted_to({double(start_ns - origin), double(end_ns - origin)});
    state.fit = false;
}

void select(const ViewContext &context, TimelineState &state, const TimelineHit &hit) {
    const Session &session = *context.session;
    state.selected = hit;
    const auto set_measurement = [&](MeasurementId id) {
        if (id.valid() && id.value < session.measurements.size())
            context.selection.measurement = id;
    };
    switch (hit.track.kind) {
    case TrackKind::Kernels:
        context.selection.kernel = state.seen_kernel = hit.ref;
        set_measurement(session.kernels[hit.ref].tag.measurement);
        break;
    case TrackKind::Measurements:
    case TrackKind::Repetitions:
        set_measurement({hit.ref});
        break;
    case TrackKind::Api:
        set_measurement(session.api_calls[hit.ref].tag.measurement);
        break;
    case TrackKind::Copies:
        set_measurement(session.copies[hit.ref].tag.measurement);
        break;
    case TrackKind::Overhead:
        break;
    }
}

void draw_timeline_details(const ViewContext &context, TimelineState &state) {
    if (!state.selected || !state.model().find(*state.selected)) {
        const ui::FontScope font(ui::small_font());
        ui::wrapped(
            context.keys("Drag or {timeline.left} {timeline.right} to pan, wheel or {timeline.zoom_in} {timeline.zoom_out} "
                         "to zoom, right drag to zoom on a stretch, Shift and wheel to "
                         "scroll. Click to select, Shift and drag to measure a stretch and count what is in it. "
                         "{timeline.fit} fits what is marked, {timeline.fit_all} or a double click all. {timeline.search} "
                         "searches, {timeline.next_match} goes to the next match. {timeline.bookmark} sets a bookmark, "
                         "{timeline.previous_bookmark} {timeline.next_bookmark} go from one to the next. "
                         "{timeline.keep_tooltip} keeps a tooltip. {timeline.arrows} shows launch arrows. Esc takes back."),
            context.theme.muted);
        return;
    }
    const TimelineHit hit = *state.selected;
    const auto place = *state.model().find(hit);
    const TimelineItem item = state.model().tracks().at(hit.track).rows()[place.row][place.index];
    const std::string time = format_duration_ns(double(item.end_ns - item.start_ns));
    ui::heading(ui::fitted(title_of(*context.session, hit),
                           ImGui::GetContentRegionAvail().x - ui::text_width(time) - ui::text_width("Zoom to itCopyClear") -
                               4 * ImGui::GetStyle().ItemSpacing.x - 8 * ImGui::GetStyle().FramePadding.x));
    ImGui::SameLine();
    ui::text(time, context.theme.muted);
    ImGui::SameLine();
    if (ImGui::SmallButton("Zoom to it"))
        show_span(state, item.start_ns, item.end_ns);
    ImGui::SameLine();
    if (ImGui::SmallButton("Copy"))
        context.copy_text(explain(*context.session, state.model(), hit));
    ImGui::SameLine();
    if (ImGui::SmallButton("Clear")) {
        state.selected.reset();
        context.selection.kernel = state.seen_kernel = std::nullopt;
    }
    const ui::FontScope font(ui::small_font());
    ui::wrapped(body_of(*context.session, hit), context.theme.muted);
    draw_like_it(context, state);
}

} // namespace moescope
