// Entropy, log-sum-exp and selected log-probabilities in one read of the logits. Bound by memory:
// the plan is to keep loads in flight. A block reads a row, or a part of it where there are few
// rows; then a second, small kernel puts the parts together in their order.
#include "kernels/common/cuda_check.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/logprob/logprob_tasks.h"
#include "kernels/logprob/row_access.cuh"
#include "kernels/logprob/row_split.h"
#include "kernels/logprob/row_sum.cuh"
#include "kernels/logprob/running_blocks.h"
#include "kernels/routing/logits.cuh"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace moescope::logprob {

namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / kWarpSize;
constexpr int kFinishThreads = 256;
constexpr std::int64_t kMostParts = 16384; // over all rows
constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();

// kVectors in flight a thread.
struct LongParts {
    static constexpr int kVectors = 8, kBlocksPerSm = 2;
};
struct ShortParts {
    static constexpr int kVectors = 4, kBlocksPerSm = 3;
};
constexpr int kLongPartUnits = kThreads * LongParts::kVectors / kUnitVectors;

struct Plan {
    StatsTask task;
    RowMap map;
    std::int64_t rows;
    RowSplit split;
    RowSum *parts; // [rows, split.parts], where there are several

    __device__ float scale2() const { return task.scale * kLog2E; }
};

// Part of one row, in units.
struct Segment {
    std::int64_t row;
    int begin, end;
};

// What the sums of a whole row say; sum is lane 0's.
__device__ void write_row(const Plan &plan, std::int64_t row, RowSum sum, int lane) {
    const StatsTask &task = plan.task;
    sum.m = __shfl_sync(kFullWarp, sum.m, 0);
    const float log_mass = log2f(__shfl_sync(kFullWarp, sum.s, 0));
    if (lane == 0 && task.entropy != nullptr)
        task.entropy[row] = kLn2 * (log_mass - sum.w / sum.s);
    if (lane == 0 && task.lse != nullptr)
        task.lse[row] = kLn2 * (sum.m + log_mass);
    const std::int64_t start = plan.map.offset(row);
    for (int j = lane; j < task.selected; j += kWarpSize) {
        const std::int64_t index = task.indices[row * task.selected + j];
        float log_p = 0;
        if (index >= 0 && index < task.logits.vocab) {
            const float x = load_logit(task.logits.data, task.logits.dtype,
                                       start + index * task.logits.vocab_stride);
            log_p = kLn2 * (fmaf(x, plan.scale2(), -sum.m) - log_mass);
        }
        task.logps[row * task.selected + j] = log_p;
    }
}

// Vectors [begin, end) of a row, the block's threads side by side.
template <class T, bool kWeighted, int kVectors>
__device__ void add_span(RowSum &sum, const uint4 *vectors, int begin, int end, float scale2) {
    constexpr int kStep = kThreads * kVectors;
    uint4 v[kVectors];
    int i = begin + int(threadIdx.x);
    for (; i + kThreads * (kVectors - 1) < end; i += kStep) {
#pragma unroll
        for (int j = 0; j < kVectors; ++j)
            v[j] = load_vector(vectors + i + j * kThreads);
        add_vectors<T, kWeighted>(sum, v, scale2);
    }
    if (i >= end)
        return;
#pragma unroll
    for (int j = 0; j < kVectors; ++j)
        v[j] = i + j * kThreads < end ? load_vector(vectors + i + j * kThreads)
                                      : lowest_vector<T>();
    add_vectors<T, kWeighted>(sum, v, scale2);
}

template <class T, bool kWeighted, int kVectors>
__device__ RowSum sum_segment(const Plan &plan, const Segment &segment) {
    const auto vocab = int(plan.task.logits.vocab);
    const T *row = static_cast<const T *>(plan.task.logits.data) + plan.map.offset(segment.row);
    const VectorSpan span(row, vocab);
    const int thread = int(threadIdx.x);
    RowSum sum;
    if (segment.begin == 0 && thread < span.head)
        add_one<kWeighted>(sum, widen(row[thread]), plan.scale2());
    const int tail = span.head + span.vectors * kVectorElements<T>;
    if (segment.end == plan.split.units && thread < vocab - tail)
        add_one<kWeighted>(sum, widen(row[tail + thread]), plan.scale2());
    add_span<T, kWeighted, kVectors>(
        sum, reinterpret_cast<const uint4 *>(row + span.head), segment.begin * kUnitVectors,
        min(segment.end * kUnitVectors, span.vectors), plan.scale2());
    return sum;
}

// The same for logits that lie apart.
template <class T, bool kWeighted>
__device__ RowSum sum_strided_segment(const Plan &plan, const Segment &segment) {
    constexpr int kUnit = kUnitVectors * kVectorElements<T>;
    const ms_logits &logits = plan.task.logits;
    const T *row = static_cast<const T *>(logits.data) + plan.map.offset(segment.row);
    const std::int64_t end = min(std::int64_t(segment.end) * kUnit, logits.vocab);
    RowSum sum;
    for (std::int64_t i = std::int64_t(segment.begin) * kUnit + threadIdx.x; i < end; i += kThreads)
        add_one<kWeighted>(sum, widen(row[i * logits.vocab_stride]), plan.scale2());
    return sum;
}

// The block's sum, in thread 0. Consecutive calls take `scratch` in turns, so that one barrier does.
template <bool kWeighted>
__device__ RowSum block_combine(RowSum sum, RowSum (&scratch)[kWarps]) {
    sum = warp_combine<kWeighted>(sum);
    if (threadIdx.x % kWarpSize == 0)
        scratch[threadIdx.x / kWarpSize] = sum;
    __syncthreads();
    if (threadIdx.x >= kWarpSize)
        return sum;
    return warp_combine<kWeighted>(threadIdx.x < kWarps ? scratch[threadIdx.x] : RowSum());
}

template <class T, bool kWeighted, class Shape, bool kStrided>
__global__ void __launch_bounds__(kThreads, Shape::kBlocksPerSm)
    stats_kernel(const __grid_constant__ Plan plan) {
    __shared__ RowSum scratch[2][kWarps];
    const int parts = plan.split.parts;
    int turn = 0;
    for (std::int64_t item = blockIdx.x; item < plan.rows * parts; item += gridDim.x) {
        Segment segment{item, 0, plan.split.units};
        if (parts > 1) {
            segment.row = item / parts;
            const auto part = int(item - segment.row * parts);
            segment.begin = plan.split.first(part);
            segment.end = plan.split.first(part + 1);
        }
        RowSum sum = kStrided ? sum_strided_segment<T, kWeighted>(plan, segment)
                              : sum_segment<T, kWeighted, Shape::kVectors>(plan, segment);
        sum = block_combine<kWeighted>(sum, scratch[turn]);
        turn ^= 1;
        if (parts == 1 && threadIdx.x < kWarpSize)
            write_row(plan, segment.row, sum, int(threadIdx.x));
        else if (threadIdx.x == 0)
            plan.parts[item] = sum;
    }
}

// Of a kernel launched while the one before it still ran: until that one's results are there.
__device__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// One warp a row.
template <bool kWeighted>
__global__ void __launch_bounds__(kFinishThreads) finish_rows(const __grid_constant__ Plan plan) {
    const std::int64_t row =
        std::int64_t(blockIdx.x) * (kFinishThreads / kWarpSize) + threadIdx.x / kWarpSize;
    if (row >= plan.rows)
        return;
    const int lane = int(threadIdx.x % kWarpSize);
    wait_for_previous_kernel();
    RowSum sum;
    for (int part = lane; part < plan.split.parts; part += kWarpSize)
        sum = combine<kWeighted>(sum, plan.parts[row * plan.split.parts + part]);
    write_row(plan, row, warp_combine<kWeighted>(sum), lane);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Its launch overlaps the first kernel's end where the device can do that.
template <bool kWeighted> ms_status launch_finish(const Plan &plan, ms_stream stream) {
    int device = 0, major = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = unsigned(ceil_div(plan.rows, kFinishThreads / kWarpSize));
    config.blockDim = kFinishThreads;
    config.stream = stream;
    config.attrs = &early;
    config.numAttrs = major >= 9 ? 1 : 0;
    MS_CUDA_TRY(cudaLaunchKernelEx(&config, finish_rows<kWeighted>, plan));
    return succeed();
}

// With the row split for the shape's blocks.
template <class Shape> ms_status split_for(Plan &plan) {
    int slots = 0;
    if (const ms_status status = running_blocks(Shape::kBlocksPerSm, slots))
        return status;
    plan.split = split_rows(plan.rows, plan.split.units, slots, kMostParts);
    return MS_OK;
}

template <class T, bool kWeighted, class Shape, bool kStrided>
ms_status launch_shape(const Plan &plan, ms_stream stream) {
    const auto blocks = unsigned(std::min(plan.rows * plan.split.parts, kMostBlocks));
    stats_kernel<T, kWeighted, Shape, kStrided><<<blocks, kThreads, 0, stream>>>(plan);
    MS_LAUNCH_CHECK();
    return plan.split.parts == 1 ? succeed() : launch_finish<kWeighted>(plan, stream);
}

template <class T, bool kWeighted> ms_status launch(Plan plan, ms_stream stream) {
    const ms_logits &logits = plan.task.logits;
    plan.split.units = int(ceil_div(logits.vocab, kUnitVectors * kVectorElements<T>));
    if (const ms_status status = split_for<ShortParts>(plan))
        return status;
    if (logits.vocab_stride != 1)
        return launch_shape<T, kWeighted, ShortParts, true>(plan, stream);
    if (plan.split.units / plan.split.parts < kLongPartUnits)
        return launch_shape<T, kWeighted, ShortParts, false>(plan, stream);
    if (const ms_status status = split_for<LongParts>(plan))
        return status;
    return launch_shape<T, kWeighted, LongParts, false>(plan, stream);
}

template <class T> ms_status launch(const Plan &plan, ms_stream stream) {
    return plan.task.entropy != nullptr ? launch<T, true>(plan, stream)
                                        : launch<T, false>(plan, stream);
}

} // namespace

std::size_t stats_workspace_bytes() { return kMostParts * sizeof(RowSum); }

ms_status stats(const StatsTask &task, ms_stream stream) {
    const Plan plan{task, row_map(task.logits.sizes, task.logits.strides), row_count(task.logits),
                    {}, static_cast<RowSum *>(task.workspace)};
    if (task.logits.dtype == MS_F32)
        return launch<float>(plan, stream);
    return task.logits.dtype == MS_F16 ? launch<__half>(plan, stream)
                                       : launch<__nv_bfloat16>(plan, stream);
}

} // namespace moescope::logprob
