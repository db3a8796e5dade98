// Measuring: a stretch of time drawn with Shift, how long it is, and what is in it.
#include "app/views/kernel_name.h"
#include "app/views/timeline_parts.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr float kSnapPixels = 6;
constexpr const char *kStretchWords = "From one end of the stretch to the other, on the records' clock.";
constexpr std::size_t kAtOnce = 8'000; // items; more are counted off the window's thread

// The time under the pointer, or an item's edge near it in the row that it is on.
std::int64_t snapped_ns(const TimelineState &state, const TimelineCanvas &canvas) {
    const std::int64_t origin = state.model().origin_ns();
    const float x = std::clamp(canvas.mouse.x, canvas.low.x, canvas.high.x);
    const std::int64_t at = std::int64_t(std::llround(canvas.time_at(x))) + origin;
    const TrackLayout *track = canvas.track_at(canvas.mouse.y);
    if (!track || !track->rows)
        return at;
    const auto &rows = track->rows->rows();
    const auto row = std::size_t(std::max(0.0f, (canvas.mouse.y - canvas.y_of(*track)) / canvas.row_height));
    return rows[std::min(row, rows.size() - 1)]
        .edge_near(at, std::int64_t(kSnapPixels * canvas.pixel_ns()))
        .value_or(at);
}

// The tracks of items between two heights; the kernels' where there are none.
std::vector<TrackKey> tracks_between(const TimelineCanvas &canvas, float a, float b) {
    std::vector<TrackKey> touched, kernels;
    for (const TrackLayout &track : canvas.layouts.tracks) {
        if (!track.key || !canvas.seen(track))
            continue;
        const float top = canvas.y_of(track);
        if (top <= std::max(a, b) && top + track.height >= std::min(a, b))
            touched.push_back(*track.key);
        if (track.key->kind == TrackKind::Kernels)
            kernels.push_back(*track.key);
    }
    return touched.empty() ? kernels : touched;
}

// Where words of a width stand on the ruler, beside the bookmarks that are in their way.
float free_of_flags(const TimelineCanvas &canvas, float at, float width, float pad) {
    std::vector<std::pair<float, float>> flags = canvas.flags;
    std::ranges::sort(flags);
    for (const auto &[low, high] : flags)
        if (low < at + width + 2 * pad && high > at - 2 * pad)
            at = high + 2 * pad;
    return std::min(at, canvas.high.x - width - pad);
}

// Asks again where the question or the model has changed.
void ask(const ViewContext &context, TimelineAnswer &answer, const StretchQuestion &question,
         const std::shared_ptr<const TimelineModel> &model) {
    if (auto done = answer.task.poll()) {
        answer.statistics = std::move(*done);
        answer.known = true;
    }
    if (answer.task.busy() || (answer.question == question && answer.model == model))
        return;
    answer.question = question;
    answer.model = model;
    if (items_in(*model, question) > kAtOnce) {
        answer.task.start([model, question] { return statistics_of(*model, question); }, context.wake);
        return;
    }
    answer.statistics = statistics_of(*model, question);
    answer.known = true;
}

std::string name_of(const Session &session, const StretchStatistics::Name &name) {
    switch (name.kind) {
    case TrackKind::Kernels:
        return short_kernel_name(session.name(NameId{name.name}));
    case TrackKind::Copies:
        return "copies";
    case TrackKind::Measurements:
    case TrackKind::Repetitions:
        return title_of(session, {{TrackKind::Measurements, 0, 0}, name.name, 0, 0});
    case TrackKind::Api:
    case TrackKind::Overhead:
        break;
    }
    return std::string(session.name(NameId{name.name}));
}

std::string numbers_text(const StretchStatistics &s) {
    return fmt::format("mean {}   median {}   p10 {}   p90 {}   shortest {}   longest {}",
                       format_duration_ns(s.time.mean), format_duration_ns(s.time.median), format_duration_ns(s.time.p10),
                       format_duration_ns(s.time.p90), format_duration_ns(s.time.minimum),
                       format_duration_ns(s.time.maximum));
}

// For a paragraph: lines break between the numbers and not within one.
std::string unbroken(std::string_view numbers) {
    constexpr std::string_view kBetween = "   ", kNoBreak = "\u00a0";
    std::string text;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (numbers.substr(i).starts_with(kBetween)) {
            text += kBetween;
            i += kBetween.size() - 1;
        } else if (numbers[i] == ' ')
            text += kNoBreak;
        else
            text += numbers[i];
    return text;
}

void explain_numbers(const ViewContext &context, const StretchStatistics &s) {
    ui::explain(context.theme, Evidence::Measured,
                fmt::format("Of the times of {} items, each from its start to its end by its own record.",
                            format_count(double(s.time.samples))));
}

// "3 items begin on Calls, thread 7: 1.2 ms in all; 1 more runs into it"
std::string counted_text(const Session &session, const TimelineStretch &stretch, const StretchStatistics &s) {
    const auto some = [](std::size_t count, const char *one, const char *more) {
        return format_count(double(count)) + (count == 1 ? one : more);
    };
    const std::string where = stretch.tracks.size() == 1 ? label_of(session, stretch.tracks.front())
                                                         : fmt::format("{} tracks", stretch.tracks.size());
    std::string text = some(s.time.samples, " item begins on ", " items begin on ") + where;
    if (s.time.samples > 0)
        text += fmt::format(": {} in all", format_duration_ns(s.total_ns));
    if (s.begun_before > 0)
        text += "; " + some(s.begun_before, " more runs into it", " more run into it");
    return text;
}

std::string table_text(const Session &session, const TimelineStretch &stretch, const StretchStatistics &s) {
    std::string text = fmt::format("{} measured\n{}\n{}\n", format_duration_ns(double(stretch.end_ns - stretch.start_ns)),
                                   counted_text(session, stretch, s), numbers_text(s));
    for (const auto &name : s.names)
        text += fmt::format("{}\t{}\t{}\n", name_of(session, name), name.count, format_duration_ns(name.total_ns));
    return text;
}

void draw_histogram(const ViewContext &context, const StretchStatistics &s, ImVec2 size) {
    const ImVec2 low = ImGui::GetCursorScreenPos();
    ImGui::InvisibleButton("histogram", size);
    ui::note_chart("histogram", low, {low.x + size.x, low.y + size.y});
    ImDrawList &draw = *ImGui::GetWindowDrawList();
    const float line = ImGui::GetTextLineHeight(), bottom = low.y + size.y - line;
    draw.AddLine({low.x, bottom}, {low.x + size.x, bottom}, packed(context.theme.line));
    const auto &bins = s.histogram.bins;
    if (bins.empty())
        return;
    const float width = size.x / float(bins.size());
    const double most = *std::ranges::max_element(bins);
    std::optional<std::size_t> over;
    for (std::size_t i = 0; i < bins.size(); ++i) {
        const float left = low.x + width * float(i), right = left + std::max(1.0f, width - context.scale);
        if (ImGui::IsItemHovered() && ImGui::GetIO().MousePos.x >= left && ImGui::GetIO().MousePos.x < left + width)
            over = i;
        if (bins[i] == 0)
            continue;
        // A single item is still a pixel high.
        const float height = std::max(context.scale, float(bins[i] / most) * (bottom - low.y - 1));
        draw.AddRectFilled({left, bottom - height}, {right, bottom},
                           packed(over == i ? context.theme.text : context.theme.accent, 0.8f));
    }
    // In as many digits as tell a bin from the next.
    const auto edge = [&](std::size_t bin) {
        const double ns = s.histogram.from_ns(bin);
        return format_moment(ns, ns * (s.histogram.ratio - 1));
    };
    const std::string from = edge(0), to = edge(bins.size());
    draw.AddText({low.x, bottom}, packed(context.theme.muted), from.c_str());
    draw.AddText({low.x + size.x - ImGui::CalcTextSize(to.c_str()).x, bottom}, packed(context.theme.muted), to.c_str());
    if (over)
        ui::tooltip(context.theme, Evidence::Measured,
                    fmt::format("{} of {} items take {} to {}, each by its own record.", format_count(bins[*over]), format_count(double(s.time.samples)),
                                edge(*over), edge(*over + 1)));
}

void draw_name(const ViewContext &context, const StretchStatistics::Name &name) {
    const std::string shown = name_of(*context.session, name);
    ImGui::TableNextColumn();
    ui::text(ui::fitted(shown, ImGui::GetContentRegionAvail().x));
    if (name.kind == TrackKind::Kernels) // one short name may be several kernels'
        ui::explain(context.session->name(NameId{name.name}));
    ImGui::TableNextColumn();
    ui::number(context.theme, {format_count(double(name.count)) + " ×", Evidence::Measured,
                               "How many of this name begin in the stretch."},
               context.theme.muted);
    ImGui::TableNextColumn();
    ui::number(context.theme, {format_duration_ns(name.total_ns), Evidence::Measured,
                               fmt::format("The sum of the times of {} of this name, each from its record.",
                                           format_count(double(name.count)))});
}

// Those with the most time first; the wheel brings the others.
void draw_names(const ViewContext &context, const StretchStatistics &s, float height) {
    constexpr ImGuiTableFlags kTable =
        ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_NoSavedSettings | ImGuiTableFlags_ScrollY;
    if (!ImGui::BeginTable("names", 3, kTable, {0, height}))
        return;
    ImGui::TableSetupColumn("name", ImGuiTableColumnFlags_WidthStretch);
    ImGuiListClipper clipper;
    clipper.Begin(int(s.names.size()));
    while (clipper.Step())
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
            ImGui::PushID(i);
            ImGui::TableNextRow();
            draw_name(context, s.names[std::size_t(i)]);
            ImGui::PopID();
        }
    ImGui::EndTable();
}

} // namespace

void measure_with_mouse(TimelineState &state, const TimelineCanvas &canvas) {
    const ImGuiIO &io = ImGui::GetIO();
    if (canvas.hovered && io.KeyShift && ImGui::IsMouseClicked(ImGuiMouseButton_Left))
        state.measure_from = {snapped_ns(state, canvas), canvas.mouse.y};
    if (!state.measure_from)
        return;
    const std::int64_t a = state.measure_from->first, b = snapped_ns(state, canvas);
    if (a != b)
        state.stretch = {std::min(a, b), std::max(a, b), tracks_between(canvas, state.measure_from->second, canvas.mouse.y)};
    else
        state.stretch.reset(); // a click with Shift
    if (!ImGui::IsMouseDown(ImGuiMouseButton_Left))
        state.measure_from.reset();
}

bool draw_stretch(const ViewContext &context, const TimelineState &state, TimelineCanvas &canvas, float ruler_top) {
    if (!state.stretch)
        return false;
    const std::int64_t origin = state.model().origin_ns();
    const float a = canvas.x_of(double(state.stretch->start_ns - origin)), b = canvas.x_of(double(state.stretch->end_ns - origin));
    const float left = std::clamp(a, canvas.low.x, canvas.high.x), right = std::clamp(b, canvas.low.x, canvas.high.x);
    const Theme &theme = context.theme;
    const float line = ImGui::GetTextLineHeight();
    const float under = std::floor(ruler_top + line * 1.15f) + 0.5f; // the ruler's labels
    for (const TrackLayout &track : canvas.layouts.tracks) // what is counted
        if (track.key && canvas.seen(track) && std::ranges::find(state.stretch->tracks, *track.key) != state.stretch->tracks.end())
            canvas.draw->AddRectFilled({left, std::max(canvas.y_of(track) - 2, canvas.low.y)},
                                       {right, canvas.y_of(track) + track.height + 2}, packed(theme.accent, 0.12f));
    for (const float x : {a, b})
        if (x >= canvas.low.x && x <= canvas.high.x)
            canvas.draw->AddLine({x, under}, {x, canvas.high.y}, packed(theme.accent), context.scale);
    const std::string text = format_duration_ns(double(state.stretch->end_ns - state.stretch->start_ns));
    const float width = ImGui::CalcTextSize(text.c_str()).x, pad = std::floor(line * 0.4f);
    canvas.draw->AddLine({left, under}, {right, under}, packed(theme.accent), context.scale);
    const float at = std::floor(free_of_flags(
        canvas, std::clamp((left + right - width) / 2, canvas.low.x + pad, canvas.high.x - width - pad), width, pad));
    canvas.flags.emplace_back(at - pad, at + width + pad);
    canvas.draw->AddRectFilled({at - pad, ruler_top}, {at + width + pad, ruler_top + line}, packed(theme.accent), line * 0.25f);
    canvas.draw->AddText({at, ruler_top}, packed(theme.background), text.c_str());
    const bool over = over_ruler({at - pad, ruler_top}, {at + width + pad, ruler_top + line});
    if (over)
        ui::tooltip(theme, Evidence::Measured, kStretchWords);
    return over;
}

void draw_stretch_details(const ViewContext &context, TimelineState &state) {
    const TimelineStretch stretch = *state.stretch;
    ask(context, state.answer, {stretch.start_ns, stretch.end_ns, stretch.tracks, {}}, state.index.share());
    const StretchStatistics &s = state.answer.statistics;
    ui::heading(fmt::format("{} measured", format_duration_ns(double(stretch.end_ns - stretch.start_ns))));
    ui::explain(context.theme, Evidence::Measured, kStretchWords);
    ImGui::SameLine();
    if (ImGui::SmallButton("Zoom to it"))
        show_span(state, stretch.start_ns, stretch.end_ns);
    ImGui::SameLine();
    if (ImGui::SmallButton("Copy"))
        context.copy_text(table_text(*context.session, stretch, s));
    ImGui::SameLine();
    if (ImGui::SmallButton("Clear"))
        state.stretch.reset();
    const ui::FontScope font(ui::small_font());
    const bool counting = state.answer.task.busy() || !state.answer.known;
    ui::wrapped(counting ? "counting" : counted_text(*context.session, stretch, s), context.theme.muted);
    ui::explain(context.theme, Evidence::Measured,
                "What begins in the stretch, on the tracks that are marked: stretches side by side add up. Times of "
                "items on several rows are added, though they ran at once.");
    if (s.time.samples == 0)
        return;
    ui::wrapped(unbroken(numbers_text(s)), context.theme.text);
    explain_numbers(context, s);
    const float height = ImGui::GetContentRegionAvail().y, width = std::min(ImGui::GetContentRegionAvail().x * 0.4f, 320 * context.scale);
    draw_histogram(context, s, {width, height});
    ImGui::SameLine(0, 16 * context.scale);
    draw_names(context, s, height);
}

void draw_like_it(const ViewContext &context, TimelineState &state) {
    if (!state.selected || (state.selected->track.kind != TrackKind::Kernels && state.selected->track.kind != TrackKind::Api))
        return;
    const TimeSpan span = shown_span(context, state);
    StretchQuestion question{span.start_ns, span.end_ns + 1, {}, state.selected->name};
    for (const auto &[key, rows] : state.model().tracks())
        if (key.kind == state.selected->track.kind)
            question.tracks.push_back(key);
    ask(context, state.answer, question, state.index.share());
    if (state.answer.task.busy() || !state.answer.known)
        return;
    const StretchStatistics &s = state.answer.statistics;
    ui::wrapped(fmt::format("{} of this name {}: {} in all, {}", format_count(double(s.time.samples)),
                            state.this_run ? "in this run" : "in the session", format_duration_ns(s.total_ns),
                            unbroken(numbers_text(s))),
                context.theme.text);
    explain_numbers(context, s);
}

} // namespace moescope
