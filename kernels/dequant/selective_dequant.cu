// Quantised weights to float. Bound by memory: half a byte or one read and two written an element,
// so that the plan is about access. A thread turns 8 codes (4 or 8 bytes) into 8 values, and a
// warp's loads (128 or 256 bytes) and stores (512 bytes at 2 bytes a value) are each one contiguous
// run: 16-byte loads of 4-bit codes would leave the stores of a warp 64 bytes apart, half a sector
// at a time. Small tiles in order: see row_tiles.cuh.
#include "kernels/common/cuda_check.h"
#include "kernels/common/float_types.h"
#include "kernels/dequant/copy_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/dequant/dequant_plan.cuh"
#include "kernels/dequant/found_experts.cuh"
#include "kernels/dequant/weight_formats.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

namespace moescope {

namespace {

constexpr int kThreads = 128;
constexpr int kUnit = 8;  // values a thread makes at once
constexpr int kUnits = 2; // units in flight a thread
constexpr int kTileUnits = kThreads * kUnits;

__device__ unsigned pack(__half, float low, float high) { return decode::f16_pair(low, high); }
__device__ unsigned pack(__nv_bfloat16, float low, float high) { return decode::bf16_pair(low, high); }

// One 16-byte store that the L2 may evict first: nothing of the output is read here.
__device__ void store_16(void *out, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    asm volatile("st.global.cs.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(out)),
                 "r"(a), "r"(b), "r"(c), "r"(d)
                 : "memory");
}

// Rounds to nearest even.
template <class T> __device__ void store_unit(T *out, const float (&v)[kUnit]) {
    if constexpr (std::is_same_v<T, float>) {
        store_16(out, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), __float_as_uint(v[3]));
        store_16(out + 4, __float_as_uint(v[4]), __float_as_uint(v[5]), __float_as_uint(v[6]), __float_as_uint(v[7]));
    } else {
        store_16(out, pack(T(), v[0], v[1]), pack(T(), v[2], v[3]), pack(T(), v[4], v[5]), pack(T(), v[6], v[7]));
    }
}

// The codes of 8 values, and what they decode to.
template <Scales kScales> struct Codes {
    static constexpr auto kOrder =
        kScales == Scales::E8m0 ? decode::NibbleOrder::LowFirst : decode::NibbleOrder::HighFirst;
    std::uint32_t word = 0;

    __device__ static Codes load(const void *values, std::int64_t unit) {
        return {__ldcs(static_cast<const std::uint32_t *>(values) + unit)}; // read once
    }
    __device__ void values(float scale, const decode::CodeTable &table, unsigned lane_bytes, float (&out)[kUnit]) const {
        decode::four_bit_values<kOrder>(word, scale, table, lane_bytes, out);
    }
    __device__ static float one(const void *values, std::int64_t index, float scale, const decode::CodeTable &table,
                                unsigned lane_bytes) {
        const std::uint32_t byte = __ldg(static_cast<const std::uint8_t *>(values) + index / 2);
        const bool high = (index % 2 == 0) == (kOrder == decode::NibbleOrder::HighFirst);
        return table.at<0>(high ? byte >> 4 : byte & 15, lane_bytes) * scale;
    }
};
template <Scales kScales>
    requires(is_fp8(kScales))
struct Codes<kScales> {
    uint2 words = {};

    __device__ static Codes load(const void *values, std::int64_t unit) {
        return {__ldcs(static_cast<const uint2 *>(values) + unit)};
    }
    __device__ void values(float scale, const decode::CodeTable &, unsigned, float (&out)[kUnit]) const {
        decode::e4m3_values(words.x, scale, out);
        decode::e4m3_values(words.y, scale, out + 4);
    }
    __device__ static float one(const void *values, std::int64_t index, float scale, const decode::CodeTable &, unsigned) {
        return decode::e4m3_value(__ldg(static_cast<const std::uint8_t *>(values) + index)) * scale;
    }
};

// Rows that are a multiple of 8 values: every unit is one aligned word of codes under one scale,
// whether or not blocks straddle experts.
template <class T, Scales kScales>
__device__ void decode_tile(const DequantPlan &plan, std::int64_t expert, const RowTile &at,
                            const decode::CodeTable &table) {
    const std::int64_t row_units = plan.weights.expert_numel / kUnit;
    const std::int64_t first_unit = at.tile * kTileUnits;
    const int units = int(min(row_units - first_unit, std::int64_t(kTileUnits)));
    const TileScales<kScales> scales(plan, expert, first_unit * kUnit);
    Codes<kScales> codes[kUnits];
    float scale[kUnits] = {};
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
        const int unit = threadIdx.x + u * kThreads;
        if (unit < units) {
            codes[u] = Codes<kScales>::load(plan.weights.values, expert * row_units + first_unit + unit);
            scale[u] = scales.at(std::uint32_t(unit * kUnit));
        }
    }
    __syncthreads(); // the table is whole
    T *out = static_cast<T *>(plan.out) + (at.row * row_units + first_unit) * kUnit;
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
        const int unit = threadIdx.x + u * kThreads;
        if (unit < units) {
            float values[kUnit];
            codes[u].values(scale[u], table, (threadIdx.x % 32) * 4, values);
            store_unit(out + unit * kUnit, values);
        }
    }
}

// Any row length, any alignment: one element at a time, neighbours by neighbouring threads.
template <class T, Scales kScales>
__device__ void decode_tile_general(const DequantPlan &plan, std::int64_t expert, const RowTile &at,
                                    const decode::CodeTable &table) {
    __syncthreads(); // the table is whole
    const std::int64_t numel = plan.weights.expert_numel;
    T *out = static_cast<T *>(plan.out) + at.row * numel;
    const std::int64_t begin = at.tile * kTileUnits * kUnit;
#pragma unroll 4
    for (int i = 0; i < kUnits * kUnit; ++i) {
        const std::int64_t element = begin + i * kThreads + threadIdx.x;
        if (element >= numel)
            break;
        const float scale = element_scale<kScales>(plan, expert, element);
        out[element] = static_cast<T>(Codes<kScales>::one(plan.weights.values, expert * numel + element, scale, table,
                                                          (threadIdx.x % 32) * 4));
    }
}

template <class T, Scales kScales, bool kWords>
__global__ void __launch_bounds__(kThreads) selective_dequant_kernel(const __grid_constant__ DequantPlan plan) {
    __shared__ decode::CodeTable table;
    __shared__ FoundExperts found;
    if constexpr (!is_fp8(kScales))
        table.fill(plan.weights.code ? plan.weights.code : plan.own_code, int(threadIdx.x));
    const bool by_ids = plan.ids != nullptr;
    if (by_ids)
        found.find(plan.ids, plan.slots, plan.weights.experts);
    const std::int64_t rows = by_ids ? min(found.count, plan.rows.capacity) : row_count(plan.rows);
    for (RowTile at = first_tile(plan.tiles); at.row < rows; next_tile(plan.tiles, at)) {
        const std::int64_t expert = by_ids ? found.expert_of(std::int32_t(at.row)) : expert_of(plan.rows, at.row);
        if (expert < 0)
            continue;
        if constexpr (kWords)
            decode_tile<T, kScales>(plan, expert, at, table);
        else
            decode_tile_general<T, kScales>(plan, expert, at, table);
    }
    if (by_ids && blockIdx.x == 0)
        found.write(plan.found_active, plan.found_remap, plan.found_count, plan.weights.experts);
}

template <class T, Scales kScales>
ms_status launch(const DequantPlan &plan, unsigned blocks, bool whole_words, ms_stream stream) {
    const auto kernel =
        whole_words ? selective_dequant_kernel<T, kScales, true> : selective_dequant_kernel<T, kScales, false>;
    kernel<<<blocks, kThreads, 0, stream>>>(plan);
    MS_LAUNCH_CHECK();
    return succeed();
}

template <class T> ms_status launch_scales(const DequantPlan &plan, unsigned blocks, bool whole_words, ms_stream stream) {
    switch (plan.weights.format) {
    case MS_WEIGHTS_MXFP4:
        return launch<T, Scales::E8m0>(plan, blocks, whole_words, stream);
    case MS_WEIGHTS_FP8_TENSOR:
        return launch<T, Scales::Tensor>(plan, blocks, whole_words, stream);
    case MS_WEIGHTS_FP8_ROW:
        return launch<T, Scales::Row>(plan, blocks, whole_words, stream);
    case MS_WEIGHTS_FP8_BLOCK:
        return launch<T, Scales::Block>(plan, blocks, whole_words, stream);
    default:
        return plan.weights.absmax ? launch<T, Scales::Absmax>(plan, blocks, whole_words, stream)
                                   : launch<T, Scales::NestedAbsmax>(plan, blocks, whole_words, stream);
    }
}

bool has_whole_words(const ms_selective_dequant_args &args) {
    const ms_expert_weights &weights = args.weights;
    const bool eights = weights.format == MS_WEIGHTS_FP8_TENSOR || is_4bit(weights.format) || weights.columns % kUnit == 0;
    const bool in_32_bits = is_4bit(weights.format) || weights.expert_numel < std::int64_t(1) << 31;
    return eights && in_32_bits && weights.expert_numel % kUnit == 0 &&
           reinterpret_cast<std::uintptr_t>(weights.values) % (is_4bit(weights.format) ? 4 : 8) == 0 &&
           reinterpret_cast<std::uintptr_t>(args.out) % 16 == 0;
}

int log2_of(std::int32_t power_of_two) { return std::countr_zero(unsigned(power_of_two)); }

void plan_scales(const ms_expert_weights &weights, DequantPlan &plan) {
    plan.columns = FastDivide(std::max(1, weights.columns));
    if (is_4bit(weights.format)) {
        const bool mx = weights.format == MS_WEIGHTS_MXFP4;
        plan.block_shift = log2_of(mx ? kMxfp4Block : weights.block_size);
        plan.nested_shift = !mx && !weights.absmax ? log2_of(weights.nested_block) : 0;
        if (mx)
            plan.weights.code = nullptr;
        std::copy_n(code_of(weights.format).begin(), decode::kCodes, plan.own_code);
        return;
    }
    plan.scales_per_expert = 1;
    if (weights.format == MS_WEIGHTS_FP8_TENSOR)
        return;
    const std::int64_t rows = weights.expert_numel / weights.columns;
    plan.column_blocks = (weights.columns - 1) / kFp8Block + 1;
    plan.scales_per_expert = weights.format == MS_WEIGHTS_FP8_ROW ? rows : ((rows - 1) / kFp8Block + 1) * plan.column_blocks;
}

// Rows that there can be, as far as the host knows; the one row of no ids writes the empty list.
std::int64_t most_rows(const ms_selective_dequant_args &args) {
    if (args.ids != nullptr)
        return std::clamp<std::int64_t>(args.slots, 1, std::min(args.capacity, args.weights.experts));
    return args.active != nullptr ? args.capacity : args.weights.experts;
}

ms_status dequantise(const ms_selective_dequant_args &args, ms_stream stream) {
    const ms_expert_weights &weights = args.weights;
    const ActiveRows rows{args.active, args.count, args.capacity, weights.experts};
    const std::int64_t max_rows = most_rows(args);
    if (weights.format == MS_WEIGHTS_DENSE)
        return copy_rows(weights.values, args.out, weights.expert_numel * size_of(args.out_dtype), rows, max_rows, stream);
    DequantPlan plan{};
    plan.weights = weights;
    plan_scales(weights, plan);
    plan.ids = args.ids;
    plan.slots = int(args.slots);
    plan.found_active = args.active;
    plan.found_remap = args.remap;
    plan.found_count = args.count;
    plan.rows = rows;
    const RowTileLaunch tiles = plan_row_tiles(max_rows, (weights.expert_numel + kUnit - 1) / kUnit, kTileUnits);
    plan.tiles = tiles.tiles;
    plan.out = args.out;
    const bool whole_words = has_whole_words(args);
    if (args.out_dtype == MS_F32)
        return launch_scales<float>(plan, tiles.blocks, whole_words, stream);
    if (args.out_dtype == MS_F16)
        return launch_scales<__half>(plan, tiles.blocks, whole_words, stream);
    return launch_scales<__nv_bfloat16>(plan, tiles.blocks, whole_words, stream);
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_selective_dequant(const ms_selective_dequant_args *args, ms_stream stream) {
    using namespace moescope;
    ms_selective_dequant_args full;
    if (const ms_status status = check_selective_dequant(args, full))
        return status;
    // Many ids, or a copy: the experts are listed first.
    if (full.ids != nullptr && (full.slots > FoundExperts::kMaxSlots || full.weights.format == MS_WEIGHTS_DENSE)) {
        const ms_active_experts_args find{sizeof find, full.weights.experts, full.ids,  full.slots,
                                          full.active, full.remap,           full.count};
        if (const ms_status status = ms_active_experts(&find, stream))
            return status;
        full.ids = nullptr;
    }
    return dequantise(full, stream);
}
