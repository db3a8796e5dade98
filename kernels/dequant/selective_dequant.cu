// Quantised weights to float. Bound by memory: half a byte or one read and two written an element,
// so that the plan is about access. A thread turns 8 codes (4 or 8 bytes) into 8 values, and a
// warp's loads (128 or 256 bytes) and stores (512 bytes at 2 bytes a value) are each one contiguous
// run: 16-byte loads of 4-bit codes would leave the stores of a warp 64 bytes apart, half a sector
// at a time. Small tiles in order, and few at once: see row_tiles.cuh.
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

constexpr int kUnit = 8; // values a thread makes at once

// What a block works on at once; how many blocks work at once on a multiprocessor; and how many values
// ahead of a tile others are brought into the L2.
enum class TileSource { Own, Queue, Any };
template <TileSource kSource_, int kThreads_, int kUnits_, int kBlocks_, int kAhead_> struct TileShape {
    static constexpr TileSource kSource = kSource_; // with Any alone experts are found by ids
    static constexpr int kThreads = kThreads_;
    static constexpr int kUnits = kUnits_; // in flight a thread
    static constexpr int kBlocks = kBlocks_;
    static constexpr int kAhead = kAhead_;
    static constexpr int kTileUnits = kThreads * kUnits;
    static constexpr int kValues = kTileUnits * kUnit;
};
// Few blocks, so that what is written at once lies close together: on an H200 faster than as many as
// fit. They must be short-lived for that: a scale is one load, and experts are not searched for.
using OwnTile = TileShape<TileSource::Own, 512, 2, 3, 4 << 20>; // one a block
using QueueTile = TileShape<TileSource::Queue, 768, 2, 2, 4 << 20>;
// The rest; its blocks are as many as fit where each has its own tile.
using LargeTile = TileShape<TileSource::Any, 256, 4, 5, 8 << 20>;

constexpr int kPrefetched = 32 << 10; // values that one request brings into the L2

// The formats' own tables in global memory: 32 lanes that read different codes of a kernel's arguments
// would wait for one another.
struct OwnCodes {
    float nf4[decode::kCodes], fp4[decode::kCodes], e2m1[decode::kCodes];
};
constexpr OwnCodes make_own_codes() {
    OwnCodes codes{};
    for (std::size_t i = 0; i < decode::kCodes; ++i) {
        codes.nf4[i] = kNf4Code[i];
        codes.fp4[i] = kFp4Code[i];
        codes.e2m1[i] = kE2m1Code[i];
    }
    return codes;
}
__device__ const OwnCodes kOwnCodes = make_own_codes();

__device__ const float *code_table(const ms_expert_weights &weights) {
    if (weights.code != nullptr)
        return weights.code;
    return weights.format == MS_WEIGHTS_NF4   ? kOwnCodes.nf4
           : weights.format == MS_WEIGHTS_FP4 ? kOwnCodes.fp4
                                              : kOwnCodes.e2m1;
}

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
    __device__ void values(float scale, const decode::LaneCodes &table, float (&out)[kUnit]) const {
        decode::four_bit_values<kOrder>(word, scale, table, 0, out);
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
    __device__ void values(float scale, const decode::LaneCodes &, float (&out)[kUnit]) const {
        decode::e4m3_values(words.x, scale, out);
        decode::e4m3_values(words.y, scale, out + 4);
    }
    __device__ static float one(const void *values, std::int64_t index, float scale, const decode::CodeTable &, unsigned) {
        return decode::e4m3_value(__ldg(static_cast<const std::uint8_t *>(values) + index)) * scale;
    }
};

__device__ void prefetch_l2([[maybe_unused]] const void *begin, [[maybe_unused]] const void *end) {
#if __CUDA_ARCH__ >= 900
    const auto first = (__cvta_generic_to_global(begin) + 15) / 16 * 16, last = __cvta_generic_to_global(end) / 16 * 16;
    if (first < last)
        asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(first), "r"(unsigned(last - first)) : "memory");
#endif
}

// Brings the codes and block scales of tiles to come into the L2, many at once: reads in bursts turn
// the memory around between reading and writing less often than each tile's own small ones.
template <Scales kScales> __device__ void prefetch(const DequantPlan &plan, std::int64_t begin, std::int64_t end) {
    const ms_expert_weights &weights = plan.weights;
    const auto *values = static_cast<const std::uint8_t *>(weights.values);
    if constexpr (is_fp8(kScales)) {
        prefetch_l2(values + begin, values + end);
        return;
    }
    prefetch_l2(values + begin / 2, values + end / 2);
    const std::int64_t first = begin >> plan.block_shift, last = end >> plan.block_shift;
    if constexpr (kScales == Scales::Absmax)
        prefetch_l2(weights.absmax + first, weights.absmax + last);
    else if constexpr (kScales == Scales::NestedAbsmax)
        prefetch_l2(weights.absmax_u8 + first, weights.absmax_u8 + last);
    else
        prefetch_l2(weights.exponents + first, weights.exponents + last);
}

// Of an expert's tiles from `tile` on.
template <Scales kScales, class Tile>
__device__ void prefetch_tiles(const DequantPlan &plan, std::int64_t expert, std::int64_t tile, int tiles) {
    const std::int64_t numel = plan.weights.expert_numel, within = tile * Tile::kValues;
    prefetch<kScales>(plan, expert * numel + within,
                      expert * numel + min(within + std::int64_t(tiles) * Tile::kValues, numel));
}

// Of the first Tile::kAhead values, while the kernel before may still run, and write the list of experts:
// a hint and no more, kept to the weights whatever the list says.
template <Scales kScales, class Tile> __device__ void prefetch_first_tiles(const DequantPlan &plan) {
    if (threadIdx.x != 0 || blockIdx.x >= plan.first_blocks || plan.ids != nullptr)
        return;
    for (unsigned tile = blockIdx.x; tile < Tile::kAhead / Tile::kValues; tile += plan.first_blocks) {
        const std::int64_t row = plan.tiles.divide.quotient(tile);
        if (row >= plan.listed_rows)
            return;
        std::int64_t expert = row;
        if (plan.rows.active != nullptr)
            expert = *static_cast<const volatile std::int32_t *>(plan.rows.active + row); // past the L1
        if (expert >= 0 && expert < plan.rows.experts)
            prefetch_tiles<kScales, Tile>(plan, expert, tile - row * plan.tiles.tiles_per_row, 1);
    }
}

// Rows that are a multiple of 8 values: every unit is one aligned word of codes under one scale,
// whether or not blocks straddle experts.
template <class T, Scales kScales, class Tile>
__device__ void decode_tile(const DequantPlan &plan, std::int64_t expert, const RowTile &at,
                            const decode::LaneCodes &table) {
    constexpr int kThreads = Tile::kThreads, kUnits = Tile::kUnits;
    const std::int64_t row_units = plan.weights.expert_numel / kUnit;
    const std::int64_t first_unit = at.tile * Tile::kTileUnits;
    const int units = int(min(row_units - first_unit, std::int64_t(Tile::kTileUnits)));
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
    T *out = static_cast<T *>(plan.out) + (at.row * row_units + first_unit) * kUnit;
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
        const int unit = threadIdx.x + u * kThreads;
        float values[kUnit];
        codes[u].values(scale[u], table, values); // by whole warps
        if (unit < units)
            store_unit(out + unit * kUnit, values);
    }
}

// Any row length, any alignment: one element at a time, neighbours by neighbouring threads.
template <class T, Scales kScales, class Tile>
__device__ void decode_tile_general(const DequantPlan &plan, std::int64_t expert, const RowTile &at,
                                    const decode::CodeTable &table) {
    const std::int64_t numel = plan.weights.expert_numel;
    T *out = static_cast<T *>(plan.out) + at.row * numel;
    const std::int64_t begin = at.tile * Tile::kValues;
#pragma unroll 4
    for (int i = 0; i < Tile::kUnits * kUnit; ++i) {
        const std::int64_t element = begin + i * Tile::kThreads + threadIdx.x;
        if (element >= numel)
            break;
        const float scale = element_scale<kScales>(plan, expert, element);
        out[element] = static_cast<T>(Codes<kScales>::one(plan.weights.values, expert * numel + element, scale, table,
                                                          (threadIdx.x % 32) * 4));
    }
}

// Of a kernel that was launched while the one before it still ran: until that one's results are there.
__device__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// What a code stands for is looked up in registers by whole warps, or, where lanes have their own
// bounds, in shared memory.
template <bool kWords> using Table = std::conditional_t<kWords, decode::LaneCodes, decode::CodeTable>;

// The tiles a block works on: its own, or what the queue gives it next. In both cases the tiles are
// begun in order.
template <class T, Scales kScales, class Tile, bool kWords> class Worker {
  public:
    __device__ Worker(const DequantPlan &plan, const Table<kWords> &table, const FoundExperts &found)
        : plan_(plan), table_(table), found_(found) {}

    __device__ void own_tiles() {
        RowTile at = first_tile(plan_.tiles);
        std::int64_t expert = count_rows(at.row);
        if (at.row < rows_)
            look_ahead(blockIdx.x);
        while (at.row < rows_) {
            decode(at, expert);
            next_tile(plan_.tiles, at);
            if (at.row < rows_)
                expert = expert_at(at.row);
        }
    }

    // The first tile is the block's own. The next one is asked for when this one is written, no sooner:
    // tiles that were given out and have to wait spread what is written at once over more addresses.
    __device__ void queued_tiles(unsigned (&given)[2]) {
        rows_ = has_ids() ? min(found_.count, plan_.rows.capacity) : row_count(plan_.rows);
        const auto total = unsigned(rows_ * plan_.tiles.tiles_per_row);
        unsigned tile = blockIdx.x;
        for (int turn = 0; tile < total; turn ^= 1) {
            look_ahead(tile);
            const std::int64_t row = plan_.tiles.divide.quotient(tile);
            decode({row, tile - row * plan_.tiles.tiles_per_row}, expert_at(row));
            if (threadIdx.x == 0)
                given[turn] = gridDim.x + atomicAdd(plan_.queue, 1);
            __syncthreads();
            tile = given[turn];
        }
        if (threadIdx.x == 0)
            leave_queue();
    }

  private:
    // The last block to leave makes the queue ready for the next call.
    __device__ void leave_queue() const {
        __threadfence();
        if (atomicAdd(plan_.queue + 1, 1) == gridDim.x - 1) {
            plan_.queue[0] = 0;
            plan_.queue[1] = 0;
        }
    }

    __device__ bool has_ids() const { return Tile::kSource == TileSource::Any && plan_.ids != nullptr; }

    __device__ std::int64_t expert_at(std::int64_t row) const {
        return has_ids() ? found_.expert_of(std::int32_t(row)) : expert_of(plan_.rows, row);
    }

    __device__ void look_ahead(unsigned tile) const {
        constexpr unsigned kGroup = kPrefetched / Tile::kValues;
        if (!kWords || threadIdx.x != 32 || tile % kGroup != 0)
            return;
        const unsigned ahead = tile + Tile::kAhead / Tile::kValues;
        const std::int64_t row = plan_.tiles.divide.quotient(ahead);
        const std::int64_t expert = row < rows_ ? expert_at(row) : -1;
        if (expert >= 0)
            prefetch_tiles<kScales, Tile>(plan_, expert, ahead - row * plan_.tiles.tiles_per_row, kGroup);
    }

    // And the expert of `row`, which may be past the count: both are loaded before either is looked at.
    __device__ std::int64_t count_rows(std::int64_t row) {
        if (has_ids()) {
            rows_ = min(found_.count, plan_.rows.capacity);
            return row < rows_ ? found_.expert_of(std::int32_t(row)) : -1;
        }
        if (plan_.rows.active == nullptr) {
            rows_ = plan_.rows.experts;
            return row;
        }
        const std::int32_t id = load_id(plan_.rows.active + row), count = load_id(plan_.rows.count);
        rows_ = row_count(plan_.rows, count);
        return expert_of_id(plan_.rows, id);
    }

    __device__ void decode(const RowTile &at, std::int64_t expert) const {
        if (expert < 0)
            return;
        if constexpr (kWords)
            decode_tile<T, kScales, Tile>(plan_, expert, at, table_);
        else
            decode_tile_general<T, kScales, Tile>(plan_, expert, at, table_);
    }

    const DequantPlan &plan_;
    const Table<kWords> &table_;
    const FoundExperts &found_;
    std::int64_t rows_ = 0;
};

template <class T, Scales kScales, class Tile, bool kWords>
__device__ void work(const DequantPlan &plan, const Table<kWords> &table, const FoundExperts &found) {
    __shared__ unsigned given[2];
    Worker<T, kScales, Tile, kWords> worker(plan, table, found);
    constexpr bool kAny = Tile::kSource == TileSource::Any;
    if (kAny ? plan.queue != nullptr : Tile::kSource == TileSource::Queue)
        worker.queued_tiles(given);
    else
        worker.own_tiles();
}

template <class T, Scales kScales, class Tile, bool kWords>
__global__ void __launch_bounds__(Tile::kThreads) selective_dequant_kernel(const __grid_constant__ DequantPlan plan) {
    __shared__ FoundExperts found;
    let_next_kernel_start();
    if constexpr (kWords)
        prefetch_first_tiles<kScales, Tile>(plan);
    wait_for_previous_kernel();
    const bool finds = Tile::kSource == TileSource::Any && plan.ids != nullptr;
    if (finds)
        found.find(plan.ids, plan.slots, plan.weights.experts);
    if constexpr (kWords) {
        decode::LaneCodes table{};
        if constexpr (!is_fp8(kScales))
            table.mine = __ldg(code_table(plan.weights) + threadIdx.x % decode::kCodes);
        work<T, kScales, Tile, kWords>(plan, table, found);
    } else {
        __shared__ decode::CodeTable table;
        if constexpr (!is_fp8(kScales))
            table.fill(code_table(plan.weights), int(threadIdx.x));
        __syncthreads();
        work<T, kScales, Tile, kWords>(plan, table, found);
    }
    if (finds && blockIdx.x == 0)
        found.write(plan.found_active, plan.found_remap, plan.found_count, plan.weights.experts);
}

struct DeviceTraits {
    int multiprocessors = 0, shared_bytes = 0; // shared: of a multiprocessor
    bool hopper = false; // or later: a kernel may start before the one ahead of it has ended
};

ms_status read_device(DeviceTraits &traits) {
    int device = 0, major = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&traits.multiprocessors, cudaDevAttrMultiProcessorCount, device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&traits.shared_bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    traits.hopper = major >= 9;
    return MS_OK;
}

ms_status enqueue(void (*kernel)(DequantPlan), const DequantPlan &plan, unsigned blocks, int threads,
                  int shared_bytes, bool early_start, ms_stream stream) {
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = blocks;
    config.blockDim = unsigned(threads);
    config.dynamicSmemBytes = std::size_t(shared_bytes);
    config.stream = stream;
    config.attrs = &early;
    config.numAttrs = early_start ? 1 : 0;
    if (shared_bytes > 0)
        MS_CUDA_TRY(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
    MS_CUDA_TRY(cudaLaunchKernelEx(&config, kernel, plan));
    return succeed();
}

template <class T, Scales kScales, class Tile, bool kWords>
ms_status launch_tiles(DequantPlan &plan, std::int64_t max_rows, ms_stream stream) {
    const RowTileLaunch tiles =
        plan_row_tiles(max_rows, (plan.weights.expert_numel + kUnit - 1) / kUnit, Tile::kTileUnits);
    DeviceTraits device;
    if (const ms_status status = read_device(device))
        return status;
    const bool queued = plan.queue != nullptr;
    const unsigned at_once = unsigned(device.multiprocessors * Tile::kBlocks);
    plan.tiles = tiles.tiles;
    plan.listed_rows = max_rows;
    plan.first_blocks = device.hopper ? at_once : 0;
    // Memory that no block uses keeps one more than kBlocks from a multiprocessor.
    const int shared_bytes =
        std::is_same_v<Tile, OwnTile> && device.hopper ? device.shared_bytes / (Tile::kBlocks + 1) : 0;
    return enqueue(selective_dequant_kernel<T, kScales, Tile, kWords>, plan,
                   queued ? std::min(tiles.blocks, at_once) : tiles.blocks, Tile::kThreads, shared_bytes,
                   device.hopper, stream);
}

template <class T, Scales kScales>
ms_status launch(DequantPlan &plan, std::int64_t max_rows, bool whole_words, ms_stream stream) {
    if (!whole_words)
        return launch_tiles<T, kScales, LargeTile, false>(plan, max_rows, stream);
    if constexpr (kScales == Scales::Absmax)
        if (plan.ids == nullptr)
            return plan.queue != nullptr ? launch_tiles<T, kScales, QueueTile, true>(plan, max_rows, stream)
                                         : launch_tiles<T, kScales, OwnTile, true>(plan, max_rows, stream);
    return launch_tiles<T, kScales, LargeTile, true>(plan, max_rows, stream);
}

template <class T> ms_status launch_scales(DequantPlan &plan, std::int64_t max_rows, bool whole_words, ms_stream stream) {
    switch (plan.weights.format) {
    case MS_WEIGHTS_MXFP4:
        return launch<T, Scales::E8m0>(plan, max_rows, whole_words, stream);
    case MS_WEIGHTS_FP8_TENSOR:
        return launch<T, Scales::Tensor>(plan, max_rows, whole_words, stream);
    case MS_WEIGHTS_FP8_ROW:
        return launch<T, Scales::Row>(plan, max_rows, whole_words, stream);
    case MS_WEIGHTS_FP8_BLOCK:
        return launch<T, Scales::Block>(plan, max_rows, whole_words, stream);
    default:
        return plan.weights.absmax ? launch<T, Scales::Absmax>(plan, max_rows, whole_words, stream)
                                   : launch<T, Scales::NestedAbsmax>(plan, max_rows, whole_words, stream);
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
    const std::int64_t most_tiles = max_rows * ((weights.expert_numel - 1) / LargeTile::kValues + 1);
    plan.queue = args.active != nullptr && most_tiles < std::int64_t(1) << 31 ? args.scratch : nullptr;
    plan.out = args.out;
    const bool whole_words = has_whole_words(args);
    if (args.out_dtype == MS_F32)
        return launch_scales<float>(plan, max_rows, whole_words, stream);
    if (args.out_dtype == MS_F16)
        return launch_scales<__half>(plan, max_rows, whole_words, stream);
    return launch_scales<__nv_bfloat16>(plan, max_rows, whole_words, stream);
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
        full.capacity = std::min(full.capacity, full.weights.experts); // entries that the list has
    }
    return dequantise(full, stream);
}
