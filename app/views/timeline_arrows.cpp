#include "app/views/timeline_parts.h"

#include <algorithm>

namespace moescope {

namespace {

constexpr std::size_t kMostArrows = 150;
constexpr std::size_t kNear = 4096; // calls looked through for each

// The launch of the selected kernel, or the kernel of the selected launch.
void find_arrow(const Session &session, TimelineState &state) {
    if (state.arrow_for == state.selected)
        return;
    state.arrow_for = state.selected;
    state.arrow_to.reset();
    if (!state.selected)
        return;
    if (state.selected->track.kind == TrackKind::Kernels) {
        if (const auto call = state.model().launch_of(session, state.selected->ref))
            state.arrow_to = state.model().hit_of_api(session, *call);
    } else if (state.selected->track.kind == TrackKind::Api) {
        if (const auto kernel = state.model().kernel_of(session, state.selected->ref))
            state.arrow_to = state.model().hit_of_kernel(session, *kernel);
    }
}

void draw_arrow(const ViewContext &context, const TimelineState &state, const TimelineCanvas &canvas, ArrowPart part,
                const TimelineHit &call, const TimelineHit &kernel, ImU32 colour, float width) {
    const auto from = state.model().find(call), to = state.model().find(kernel);
    const TrackLayout *above = canvas.find(call.track), *below = canvas.find(kernel.track);
    if (!from || !to || !above || !below)
        return;
    const TimelineItem &item = above->rows->rows()[from->row][from->index];
    const std::int64_t origin = state.model().origin_ns();
    const ImVec2 a{canvas.x_of(double(item.end_ns - origin)),
                   canvas.y_of(*above) + canvas.row_height * (float(from->row) + 1) - 2};
    const ImVec2 b{canvas.x_of(double(kernel.start_ns - origin)), canvas.y_of(*below) + canvas.row_height * float(to->row) + 1};
    const float head = 5 * context.scale;
    if (part == ArrowPart::Heads) {
        canvas.draw->AddTriangleFilled({b.x - head * 0.7f, b.y - head}, {b.x + head * 0.7f, b.y - head}, b, colour);
        return;
    }
    // Across in the gap under the calls, then down to the kernel.
    const float across = std::max(1.0f, canvas.y_of(*above) + above->height + 4 * context.scale - a.y);
    canvas.draw->AddBezierCubic(a, {a.x, a.y + 2 * across}, {b.x, a.y}, {b.x, b.y - head}, colour, width, 32);
}

// Again where the range or the model has changed: a few lookups for each kernel in sight.
void find_all(const Session &session, TimelineState &state) {
    auto &arrows = state.all_arrows;
    const auto model = state.index.share();
    if (arrows.model == model && arrows.range == state.range)
        return;
    arrows = {.model = model, .range = state.range};
    const std::int64_t start = std::int64_t(state.range.start_ns) + model->origin_ns();
    const std::int64_t end = std::int64_t(state.range.end_ns) + model->origin_ns();
    for (const auto &[key, track] : model->tracks())
        for (const TimelineRow &row : track.rows()) {
            if (key.kind != TrackKind::Kernels)
                continue;
            const std::size_t first = row.first_starting_at(start), last = row.first_starting_at(end);
            arrows.too_many |= arrows.ends.size() + (last - first) > kMostArrows;
            for (std::size_t i = first; i < last && !arrows.too_many; ++i)
                if (const auto call = model->launch_of(session, row[i].ref, kNear))
                    arrows.ends.emplace_back(*model->hit_of_api(session, *call),
                                             TimelineHit{key, row[i].ref, row[i].name, row[i].start_ns});
        }
    if (arrows.too_many)
        arrows.ends.clear();
}

} // namespace

void draw_arrows(const ViewContext &context, TimelineState &state, const TimelineCanvas &canvas, ArrowPart part) {
    if (state.arrows) {
        find_all(*context.session, state);
        for (const auto &[call, kernel] : state.all_arrows.ends)
            draw_arrow(context, state, canvas, part, call, kernel, packed(context.theme.text, 0.35f), context.scale);
    }
    find_arrow(*context.session, state);
    if (!state.selected || !state.arrow_to)
        return;
    const bool from_kernel = state.selected->track.kind == TrackKind::Kernels;
    draw_arrow(context, state, canvas, part, from_kernel ? *state.arrow_to : *state.selected,
               from_kernel ? *state.selected : *state.arrow_to, packed(context.theme.accent), 1.5f * context.scale);
}

} // namespace moescope
