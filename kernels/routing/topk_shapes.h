// How MS_TOPK_WARP_SELECT lays a row of E logits over the lanes of a warp: each lane holds `items`
// consecutive experts, `lanes` lanes hold a row, 32 / lanes rows share a warp.
#pragma once

#include <bit>
#include <cstdint>

namespace moescope {

constexpr int kMaxWarpSelectTopK = 64;

struct TopkShape {
    int lanes = 0, items = 0; // 0: no shape fits
    int list = 0;             // the most experts of one lane that can be selected
    constexpr int experts() const { return lanes * items; }
    friend constexpr bool operator==(const TopkShape &, const TopkShape &) = default;
};

constexpr TopkShape kTopkShapes[] = {{1, 8, 8},  {2, 8, 8},  {4, 8, 8},    {8, 8, 8},    {16, 8, 8},
                                     {32, 5, 5}, {32, 8, 8}, {32, 12, 12}, {32, 16, 16}, {32, 32, 32}};
// Four rows a warp: less work a row, but longer until the first is done.
constexpr TopkShape kManyRowsShape = {8, 32, 8};
constexpr std::int64_t kManyRows = 3072;

// groups: how many there are where some are dropped, else 1. A group takes a power of two of whole
// lanes.
constexpr bool fits(const TopkShape &shape, int experts, int groups) {
    const int group = experts / groups;
    const bool whole_groups =
        group % shape.items == 0 && std::has_single_bit(unsigned(group / shape.items));
    return experts <= shape.experts() && (groups == 1 || whole_groups);
}

// The best shape for a row; top_k <= kMaxWarpSelectTopK.
constexpr TopkShape warp_select_shape(int experts, int groups, int top_k, std::int64_t tokens) {
    if (tokens >= kManyRows && experts > kManyRowsShape.experts() / 2 &&
        top_k <= kManyRowsShape.list && fits(kManyRowsShape, experts, groups))
        return kManyRowsShape;
    for (const TopkShape &shape : kTopkShapes)
        if (fits(shape, experts, groups))
            return shape;
    return {};
}

} // namespace moescope
