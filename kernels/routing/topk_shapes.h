// How MS_TOPK_WARP_SELECT lays a row of E logits over the lanes of a warp: each lane holds `items`
// consecutive experts, `lanes` lanes hold a row, 32 / lanes rows share a warp.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <bit>

namespace moescope {

constexpr int kMaxWarpSelectTopK = 64;

struct TopkShape {
    int lanes = 0, items = 0; // 0: no shape fits
    constexpr int experts() const { return lanes * items; }
};

constexpr TopkShape kTopkShapes[] = {{1, 8},  {2, 8},  {4, 8},   {8, 8},   {16, 8},
                                     {32, 5}, {32, 8}, {32, 12}, {32, 16}, {32, 32}};

inline bool limits_groups(const ms_topk_args &args) { return args.groups_kept < args.groups; }

// The smallest shape that holds a row; a group takes a power of two of whole lanes.
inline TopkShape warp_select_shape(const ms_topk_args &args) {
    for (const TopkShape &shape : kTopkShapes) {
        const int group = args.experts / args.groups;
        const bool whole_groups =
            group % shape.items == 0 && std::has_single_bit(unsigned(group / shape.items));
        if (args.experts <= shape.experts() && (!limits_groups(args) || whole_groups))
            return shape;
    }
    return {};
}

} // namespace moescope
