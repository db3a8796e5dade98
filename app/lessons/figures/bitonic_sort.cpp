// A bitonic sort in a warp: one expert's logit a lane, exchanged with __shfl_xor_sync.
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/figures/sorting.h"
#include "app/lessons/router_row.h"
#include "kernels/routing/order_key.h"

#include <cmath>

namespace moescope::lessons {

namespace {

constexpr float kTop = 16, kBars = 118, kCellTop = 140, kCell = 20, kLaneRow = 172, kPairs = 186;
const Columns kLanes{kWarpLanes};

struct Heights {
    float low = 0, high = 1;
    float of(std::uint64_t key) const {
        return key == 0 ? 2 : 6 + (kBars - 6) * (rank_key_value(key) - low) / std::max(1e-6f, high - low);
    }
};

Heights heights_of(const std::vector<std::uint64_t> &keys) {
    Heights heights{INFINITY, -INFINITY};
    for (const std::uint64_t key : keys)
        if (key) {
            heights.low = std::min(heights.low, rank_key_value(key));
            heights.high = std::max(heights.high, rank_key_value(key));
        }
    return heights;
}

void draw_keys(Pen &pen, const std::vector<std::uint64_t> &keys, const Heights &heights, int chosen) {
    for (int lane = 0; lane < kWarpLanes; ++lane) {
        const std::uint64_t key = keys[std::size_t(lane)];
        const int expert = key ? rank_key_index(key) : -1;
        const std::string id = key ? expert_key(expert) : "";
        const float height = heights.of(key), x = kLanes.x(lane), w = kLanes.width();
        const bool stands_out = lane < chosen;
        pen.box(x, kTop + kBars - height, w, height, stands_out ? Ink::Good : key ? Ink::Accent : Ink::Line, id);
        if (key)
            cell(pen, x, kCellTop, w, kCell, stands_out ? Ink::Good : Ink::Accent, std::to_string(expert), id + "c");
        pen.words(kLanes.middle(lane), kLaneRow, std::to_string(lane), Ink::Muted).h = 11;
    }
}

// A bracket under each pair, deeper where pairs cross; those that exchanged stand out.
void draw_pairs(Pen &pen, const BitonicStep &step, const std::vector<std::uint64_t> &before) {
    for (int lane = 0; lane < kWarpLanes; ++lane) {
        const int partner = lane ^ step.distance;
        if (partner < lane)
            continue;
        const bool exchanged = before[std::size_t(lane)] != step.keys[std::size_t(lane)];
        const bool descends = (lane & step.run) == 0;
        const Ink ink = !exchanged ? Ink::Line : descends ? Ink::Good : Ink::Warning;
        const float y = kPairs + 6 + 4 * float(lane % step.distance);
        const float from = kLanes.middle(lane), to = kLanes.middle(partner);
        pen.line(from, kPairs, from, y, ink);
        pen.line(to, kPairs, to, y, ink);
        if (descends)
            pen.arrow(to, y, from, y, ink);
        else
            pen.arrow(from, y, to, y, ink);
    }
}

int exchanges_of(const std::vector<std::uint64_t> &before, const std::vector<std::uint64_t> &after) {
    int changed = 0;
    for (std::size_t lane = 0; lane < after.size(); ++lane)
        changed += before[lane] != after[lane];
    return changed / 2;
}

} // namespace

Figure bitonic_sort_figure(const FigureInputs &inputs) {
    const auto rows = router_rows(inputs.workload, 1);
    if (rows.empty())
        return nothing_to_show("The workload's router has no logits to sort.");
    std::vector<std::uint64_t> keys = rank_keys(rows.front().logits);
    const std::size_t experts = keys.size();
    keys.resize(kWarpLanes, 0);
    const Heights heights = heights_of(keys);

    Figure figure;
    figure.height = kPairs + 78;
    const auto add = [&](std::string caption, const std::vector<std::uint64_t> &state, int chosen = 0) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_keys(pen, state, heights, chosen);
    };
    add(fmt::format("Each of the 32 lanes holds one key: token 0's logit of {}. The bar is the logit, the "
                    "number in the cell the expert, the one below it the lane.",
                    experts > kWarpLanes ? fmt::format("the first 32 of {} experts", experts)
                    : experts < kWarpLanes
                        ? fmt::format("one of {} experts; {} lanes hold the key 0, which sorts last", experts,
                                      kWarpLanes - experts)
                        : std::string("one expert")),
        keys);
    int number = 0;
    for (const BitonicStep &step : bitonic_steps(keys)) {
        add(fmt::format("Step {} of 15: lane i and lane i ^ {} compare keys, runs of {}. {} pairs exchange. Green "
                        "arrows put the larger key to the left, yellow ones to the right: so that the next runs "
                        "rise and fall.",
                        ++number, step.distance, step.run, exchanges_of(keys, step.keys)),
            step.keys);
        Pen pen(figure.frames.back());
        draw_pairs(pen, step, keys);
        keys = step.keys;
    }
    const int top_k = std::min(inputs.workload.model.top_k, kWarpLanes);
    add(fmt::format("Sorted. The {} experts of the token are those of lanes 0 to {}: the first is expert {}, with "
                    "the logit {:.3f}.",
                    top_k, top_k - 1, rank_key_index(keys[0]), rank_key_value(keys[0])),
        keys, top_k);
    return figure;
}

} // namespace moescope::lessons
