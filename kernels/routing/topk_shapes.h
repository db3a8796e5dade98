// How MS_TOPK_WARP_SELECT lays a row of E logits over the lanes of a warp: each lane holds `items`
// consecutive experts, `lanes` lanes hold a row, 32 / lanes rows share a warp.
#pragma once

#include <bit>

namespace moescope {

constexpr int kMaxWarpSelectTopK = 32;

struct TopkShape {
    int lanes = 0, items = 0; // 0: no shape fits
    int list = 0;             // the most experts of one lane that can be selected
    int kept = 0;             // selections a lane holds on to: k <= lanes * kept
    bool merges = false;      // the lanes' lists, instead of selecting k times: k <= list
    constexpr int experts() const { return lanes * items; }
    friend constexpr bool operator==(const TopkShape &, const TopkShape &) = default;
};

constexpr TopkShape kTopkShapes[] = {
    {1, 8, 8, 8},  {2, 8, 8, 4},  {4, 8, 8, 2},    {8, 8, 8, 1},    {16, 8, 8, 1},   {32, 5, 5, 1},
    {32, 8, 8, 1}, {32, 12, 12, 1}, {32, 16, 16, 1}, {32, 32, 16, 1}, {32, 32, 32, 1}};

// The usual E and k, for few rows and for many.
constexpr TopkShape kUsualShape{32, 8, 8, 1};
constexpr TopkShape kFewMergedShape{32, 8, 8, 1, true}, kManyMergedShape{8, 32, 8, 1, true};

// groups: how many there are where some are dropped, else 1. A group takes a power of two of whole
// lanes.
constexpr bool fits(const TopkShape &shape, int experts, int groups, int top_k) {
    const int group = experts / groups;
    const bool whole_groups =
        group % shape.items == 0 && std::has_single_bit(unsigned(group / shape.items));
    return experts <= shape.experts() && (groups == 1 || whole_groups) &&
           top_k <= shape.lanes * shape.kept && (top_k <= shape.list || shape.list == shape.items);
}

// The smallest shape that holds a row.
constexpr TopkShape warp_select_shape(int experts, int groups, int top_k) {
    for (const TopkShape &shape : kTopkShapes)
        if (fits(shape, experts, groups, top_k))
            return shape;
    return {};
}

} // namespace moescope
