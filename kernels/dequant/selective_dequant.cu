// NF4 to float. Bound by memory: 0.5 byte read and 2 written an element, so that the plan is about
// access. A thread turns 4 packed bytes into 8 values, and a warp's loads (128 bytes) and stores
// (512 bytes at 2 bytes a value) are each one contiguous run: 16-byte loads would leave the stores
// of a warp 64 bytes apart, half a sector at a time. Four such units a thread are in flight at
// once.
#include "kernels/common/cuda_check.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/dequant/row_tiles.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <bit>
#include <cstdint>
#include <type_traits>

namespace moescope {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 6; // 40 registers a thread
constexpr int kUnit = 8;        // values a thread makes of one packed word
constexpr int kUnits = 4;       // words in flight a thread
constexpr int kTileUnits = kThreads * kUnits;

struct Plan {
    ms_nf4_weights weights;
    int block_shift;
    int nested_shift;
    ActiveRows rows;
    RowTiles tiles;
    void *out;
};

// Blocks count over all experts. The two roundings of the nested form are bitsandbytes' own: never
// one fused multiply-add.
template <bool kNested> __device__ float absmax_of(const Plan &plan, std::int64_t block) {
    const ms_nf4_weights &weights = plan.weights;
    if constexpr (!kNested)
        return __ldg(weights.absmax + block);
    const float code = __ldg(weights.nested_code + __ldg(weights.absmax_u8 + block));
    const float nested = __ldg(weights.nested_absmax + (block >> plan.nested_shift));
    return __fadd_rn(__fmul_rn(code, nested), weights.nested_offset);
}

// The code table in shared memory, once for every lane: value v of a lane's copy lies at v * 32 +
// lane, in the lane's own bank, so that 32 lanes reading 32 different values never conflict.
struct CodeTable {
    float values[16 * 32];

    __device__ void fill(const float *code) {
        for (int i = threadIdx.x; i < 16 * 32; i += kThreads)
            values[i] = __ldg(code + i / 32);
        __syncthreads();
    }
    // Nibble at bit kShift of word. The byte address is one shift and one three-input logic
    // operation.
    template <int kShift> __device__ float at(std::uint32_t word, std::uint32_t lane_bytes) const {
        const std::uint32_t moved = kShift >= 7 ? word >> (kShift - 7) : word << (7 - kShift);
        const auto *bytes = reinterpret_cast<const char *>(values);
        return *reinterpret_cast<const float *>(bytes + ((moved & 0x780u) | lane_bytes));
    }
};

__device__ std::uint32_t pack(__half, float low, float high) {
    return std::bit_cast<std::uint32_t>(__half2_raw(__floats2half2_rn(low, high)));
}
__device__ std::uint32_t pack(__nv_bfloat16, float low, float high) {
    return std::bit_cast<std::uint32_t>(__nv_bfloat162_raw(__floats2bfloat162_rn(low, high)));
}

// One 16-byte store: an assignment of a uint4 was compiled to four of 4 bytes.
__device__ void store_16(void *out, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                         std::uint32_t d) {
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(out)),
                 "r"(a), "r"(b), "r"(c), "r"(d)
                 : "memory");
}

// Rounds to nearest even.
template <class T> __device__ void store_unit(T *out, const float (&v)[kUnit]) {
    if constexpr (std::is_same_v<T, float>) {
        store_16(out, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]),
                 __float_as_uint(v[3]));
        store_16(out + 4, __float_as_uint(v[4]), __float_as_uint(v[5]), __float_as_uint(v[6]),
                 __float_as_uint(v[7]));
    } else {
        store_16(out, pack(T(), v[0], v[1]), pack(T(), v[2], v[3]), pack(T(), v[4], v[5]),
                 pack(T(), v[6], v[7]));
    }
}

// 8 values of one word: byte b holds element 2b in its high nibble, 2b + 1 in its low one.
template <class T>
__device__ void decode_unit(T *out, std::uint32_t word, float absmax, const CodeTable &code,
                            std::uint32_t lane_bytes) {
    const float values[kUnit] = {
        code.at<4>(word, lane_bytes) * absmax,  code.at<0>(word, lane_bytes) * absmax,
        code.at<12>(word, lane_bytes) * absmax, code.at<8>(word, lane_bytes) * absmax,
        code.at<20>(word, lane_bytes) * absmax, code.at<16>(word, lane_bytes) * absmax,
        code.at<28>(word, lane_bytes) * absmax, code.at<24>(word, lane_bytes) * absmax,
    };
    store_unit(out, values);
}

// Rows that are a multiple of 8 values: every unit is one aligned word within one absmax block,
// whether or not blocks straddle experts. 64-bit arithmetic a tile, 32-bit within it.
template <class T, bool kNested>
__device__ void decode_tile(const Plan &plan, std::int64_t expert, const RowTile &at,
                            const CodeTable &code) {
    const std::int64_t row_units = plan.weights.expert_numel / kUnit;
    const std::int64_t first_unit = at.tile * kTileUnits;
    const int units = int(min(row_units - first_unit, std::int64_t(kTileUnits)));
    const std::int64_t first_index = (expert * row_units + first_unit) * kUnit;
    const std::int64_t first_block = first_index >> plan.block_shift;
    const unsigned into_block = unsigned(first_index) & (unsigned(plan.weights.block_size) - 1);
    const auto *words = reinterpret_cast<const std::uint32_t *>(plan.weights.packed) +
                        expert * row_units + first_unit;
    T *out = static_cast<T *>(plan.out) + (at.row * row_units + first_unit) * kUnit;
    std::uint32_t word[kUnits] = {};
    float absmax[kUnits] = {};
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
        const int unit = threadIdx.x + u * kThreads;
        if (unit < units) {
            word[u] = __ldcs(words + unit); // read once
            absmax[u] = absmax_of<kNested>(
                plan, first_block + ((into_block + unit * kUnit) >> plan.block_shift));
        }
    }
    const std::uint32_t lane_bytes = (threadIdx.x % 32) * 4;
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
        const int unit = threadIdx.x + u * kThreads;
        if (unit < units)
            decode_unit(out + unit * kUnit, word[u], absmax[u], code, lane_bytes);
    }
}

// Any row length, any alignment: one element at a time, neighbours by neighbouring threads.
template <class T, bool kNested>
__device__ void decode_tile_general(const Plan &plan, std::int64_t expert, const RowTile &at,
                                    const CodeTable &code) {
    const std::uint32_t lane_bytes = (threadIdx.x % 32) * 4;
    const std::int64_t numel = plan.weights.expert_numel;
    T *out = static_cast<T *>(plan.out) + at.row * numel;
    const std::int64_t begin = at.tile * kTileUnits * kUnit;
#pragma unroll 4
    for (int i = 0; i < kUnits * kUnit; ++i) {
        const std::int64_t element = begin + i * kThreads + threadIdx.x;
        if (element >= numel)
            break;
        const std::int64_t index = expert * numel + element;
        const std::uint32_t byte = __ldg(plan.weights.packed + index / 2);
        const std::uint32_t nibble = index % 2 == 0 ? byte >> 4 : byte & 15;
        out[element] = static_cast<T>(code.at<0>(nibble, lane_bytes) *
                                      absmax_of<kNested>(plan, index >> plan.block_shift));
    }
}

template <class T, bool kNested, bool kWords>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm)
    selective_dequant_kernel(const __grid_constant__ Plan plan) {
    __shared__ CodeTable code;
    code.fill(plan.weights.code);
    const std::int64_t rows = row_count(plan.rows);
    for (RowTile at = first_tile(plan.tiles); at.row < rows; next_tile(plan.tiles, at)) {
        const std::int64_t expert = expert_of(plan.rows, at.row);
        if (expert < 0)
            continue;
        if constexpr (kWords)
            decode_tile<T, kNested>(plan, expert, at, code);
        else
            decode_tile_general<T, kNested>(plan, expert, at, code);
    }
}

bool has_whole_words(const ms_selective_dequant_args &args) {
    return args.weights.expert_numel % kUnit == 0 &&
           reinterpret_cast<std::uintptr_t>(args.weights.packed) % 4 == 0 &&
           reinterpret_cast<std::uintptr_t>(args.out) % 16 == 0;
}

template <class T>
ms_status launch(const Plan &plan, unsigned blocks, bool whole_words, ms_stream stream) {
    const bool nested = plan.weights.absmax == nullptr;
    const auto kernel = nested ? (whole_words ? selective_dequant_kernel<T, true, true>
                                              : selective_dequant_kernel<T, true, false>)
                               : (whole_words ? selective_dequant_kernel<T, false, true>
                                              : selective_dequant_kernel<T, false, false>);
    kernel<<<blocks, kThreads, 0, stream>>>(plan);
    MS_LAUNCH_CHECK();
    return succeed();
}

int log2_of(std::int32_t power_of_two) { return std::countr_zero(unsigned(power_of_two)); }

} // namespace

} // namespace moescope

extern "C" ms_status ms_selective_dequant(const ms_selective_dequant_args *args, ms_stream stream) {
    using namespace moescope;
    ms_selective_dequant_args full;
    if (const ms_status status = check_selective_dequant(args, full))
        return status;
    const ms_nf4_weights &weights = full.weights;
    const std::int64_t max_rows = full.active ? full.capacity : weights.experts;
    RowTileLaunch tiles;
    if (const ms_status status = plan_row_tiles(
            max_rows, (weights.expert_numel + kUnit - 1) / kUnit, kTileUnits, kBlocksPerSm, tiles))
        return status;
    const Plan plan{weights,
                    log2_of(weights.block_size),
                    weights.absmax ? 0 : log2_of(weights.nested_block),
                    {full.active, full.count, full.capacity, weights.experts},
                    tiles.tiles,
                    full.out};
    const bool whole_words = has_whole_words(full);
    if (full.out_dtype == MS_F32)
        return launch<float>(plan, tiles.blocks, whole_words, stream);
    if (full.out_dtype == MS_F16)
        return launch<__half>(plan, tiles.blocks, whole_words, stream);
    return launch<__nv_bfloat16>(plan, tiles.blocks, whole_words, stream);
}
