// Gradients of entropy and selected log-probabilities: with the row's log-sum-exp at hand, every
// element is read once and written once. Both gradients have the form
//     dx = p (a log p + b), plus what the selected elements get,
// with a = -scale * dH and b = a H for the entropy, a = 0 and b = -scale * sum(dlogps) for the
// log-probabilities. Every thread writes only elements it has read, so that it may write in place.
#include "kernels/common/cuda_check.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/logprob/logprob_checks.h"
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

constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostRows = 65535; // of a grid's y and of its z
// Below the log-probability of any p above 0 in float32.
constexpr float kNoProbability = -200.0f;

// Long rows are cut where the address is a multiple of this: 1 % faster on an H200.
constexpr int kCutBytes = 4096, kCutUnits = kCutBytes / (kUnitVectors * kVectorBytes);
constexpr std::int64_t kLongRow = 16 * kCutBytes;

// Blocks of the grid are the parts of a row (x) and the rows (y, z).
struct Plan {
    GradientTask task;
    RowMap in, out;
    std::int64_t rows;
    int part_units = 0;
    bool long_rows = false;
};

// Of what: the entropy, one selected log-probability a row, or several.
enum class Of { Entropy, One, Several };

// How a gradient's thread blocks are made, with kVectors in flight a thread. The smaller a part of
// a row is, the closer blocks that run together read and write to each other; several selected
// elements are looked for once a part. Measured on an H200.
template <Of> struct Shape {
    static constexpr int kThreads = 128, kVectors = 2, kBlocksPerSm = 16;
    static constexpr int kMostPartUnits = kCutUnits;
};
template <> struct Shape<Of::Several> { // 64 registers a thread
    static constexpr int kThreads = 512, kVectors = 4, kBlocksPerSm = 2, kMostPartUnits = 64;
};

__device__ bool is_token(const GradientTask &task, std::int64_t index) {
    return index >= 0 && index < task.logits.vocab;
}

// Several selected elements, of those that lie in [begin, end) of the row.
struct Picks {
    int count;
    float sum; // of all valid dlogps of the row
    int index[kMaxSelected];
    float gradient[kMaxSelected];
};

// By the first warp. In the order of the indices, so that the sums are the same in every run.
__device__ void collect(Picks &picks, const GradientTask &task, std::int64_t row,
                        std::int64_t begin, std::int64_t end) {
    const int lane = int(threadIdx.x % kWarpSize);
    float sum = 0;
    int count = 0;
    for (int start = 0; start < task.selected; start += kWarpSize) {
        const int j = start + lane;
        std::int64_t index = -1;
        float gradient = 0;
        if (j < task.selected) {
            index = task.indices[row * task.selected + j];
            gradient = task.scale * task.dlogps[row * task.selected + j];
        }
        if (is_token(task, index))
            sum += gradient;
        const bool mine = index >= begin && index < end;
        const unsigned all = __ballot_sync(kFullWarp, mine);
        if (mine) {
            const int at = count + __popc(all & ((1u << lane) - 1));
            picks.index[at] = int(index);
            picks.gradient[at] = gradient;
        }
        count += __popc(all);
    }
    sum = warp_sum(sum);
    if (lane == 0) {
        picks.count = count;
        picks.sum = sum;
    }
}

// A row without a distribution has an infinite log-sum-exp, or NaN.
__device__ float finite_or_nan(float lse) { return isfinite(lse) ? lse : NAN; }

template <class T, Of kOf> struct Row {
    static constexpr int kElements = kVectorElements<T>;

    const T *x;
    T *y;
    float scale = 0, lse = 0, a = 0, b = 0;
    int picked = -1; // Of::One: the element and its gradient
    float picked_gradient = 0;
    const Picks *picks;

    __device__ Row(const T *x, T *y, const Picks &picks) : x(x), y(y), picks(&picks) {}

    // The row's own numbers, none of which waits for another.
    __device__ void read(const GradientTask &task, std::int64_t row) {
        scale = task.scale;
        lse = finite_or_nan(task.lse[row]);
        if constexpr (kOf == Of::Entropy) {
            a = -scale * task.dentropy[row];
            b = a * task.entropy[row];
        }
        if constexpr (kOf == Of::One) {
            const std::int64_t index = task.indices[row];
            const float gradient = scale * task.dlogps[row];
            picked = is_token(task, index) ? int(index) : -1;
            picked_gradient = picked >= 0 ? gradient : 0.0f;
            b = -picked_gradient;
        }
    }

    __device__ float gradient(float x) const {
        const float log_p = fmaf(x, scale, -lse);
        const float p = exp2_fast(log_p * kLog2E);
        // Where p is 0 the factor must be finite.
        return kOf == Of::Entropy ? p * fmaf(a, max_nan(log_p, kNoProbability), b) : p * b;
    }
    __device__ void element(int i, std::int64_t x_stride, std::int64_t y_stride) const {
        float g = gradient(widen(x[i * x_stride]));
        if constexpr (kOf == Of::One)
            g += picked == i ? picked_gradient : 0.0f;
        if constexpr (kOf == Of::Several)
            for (int j = 0; j < picks->count; ++j)
                g += picks->index[j] == i ? picks->gradient[j] : 0.0f;
        y[i * y_stride] = T(g);
    }
    // The vector whose first element is `first`.
    __device__ uint4 vector(const uint4 &from, int first) const {
        float g[kElements];
        unpack<T>(from, g);
#pragma unroll
        for (int j = 0; j < kElements; ++j)
            g[j] = gradient(g[j]);
        if constexpr (kOf == Of::One)
            add_at(g, picked - first, picked_gradient);
        if constexpr (kOf == Of::Several)
            for (int i = 0; i < picks->count; ++i)
                add_at(g, picks->index[i] - first, picks->gradient[i]);
        return pack<T>(g);
    }

  private:
    __device__ static void add_at(float (&g)[kElements], int at, float gradient) {
        if (unsigned(at) >= unsigned(kElements))
            return;
#pragma unroll
        for (int j = 0; j < kElements; ++j)
            g[j] += at == j ? gradient : 0.0f;
    }
};

// Vectors [begin, end); `first` is the element of vector 0. The first loads are under way while
// ready() reads the row's numbers and collects the picks. No cache hints: keeping vectors out of
// the L1, or making them the first to leave the L2, takes 2 to 3 % longer on an H200.
template <class T, Of kOf, class Ready>
__device__ void write_span(Row<T, kOf> &row, int first, int begin, int end, const Ready &ready) {
    constexpr int kThreads = Shape<kOf>::kThreads, kVectors = Shape<kOf>::kVectors;
    const auto *from = reinterpret_cast<const uint4 *>(row.x + first);
    auto *to = reinterpret_cast<uint4 *>(row.y + first);
    uint4 v[kVectors];
    for (int i = begin + int(threadIdx.x), turn = 0; turn == 0 || i < end;
         i += kThreads * kVectors, ++turn) {
#pragma unroll
        for (int j = 0; j < kVectors; ++j)
            if (i + j * kThreads < end)
                v[j] = from[i + j * kThreads];
        if (turn == 0)
            ready();
#pragma unroll
        for (int j = 0; j < kVectors; ++j)
            if (i + j * kThreads < end)
                to[i + j * kThreads] =
                    row.vector(v[j], first + (i + j * kThreads) * kVectorElements<T>);
    }
}

template <class T> __device__ bool same_alignment(const T *x, const T *y) {
    return (reinterpret_cast<std::uintptr_t>(x) - reinterpret_cast<std::uintptr_t>(y)) %
               kVectorBytes ==
           0;
}

// Elements of a part of the row; the first part's include those before the first vector, the last
// one's those after the last.
template <class T, Of kOf>
__device__ void write_part(const Plan &plan, std::int64_t r, int part, Picks &picks) {
    constexpr int kElements = kVectorElements<T>;
    const GradientTask &task = plan.task;
    const auto vocab = int(task.logits.vocab);
    Row<T, kOf> row(static_cast<const T *>(task.logits.data) + plan.in.offset(r),
                    static_cast<T *>(task.dlogits) + plan.out.offset(r), picks);
    const bool vectors =
        task.logits.vocab_stride == 1 && task.vocab_stride == 1 && same_alignment(row.x, row.y);
    VectorSpan span(row.x, vocab);
    if (!vectors)
        span = VectorSpan(static_cast<const T *>(nullptr), vocab);
    const auto address = std::uint32_t(reinterpret_cast<std::uintptr_t>(row.x + span.head));
    const auto past_cut = int(address % kCutBytes / kVectorBytes) * int(plan.long_rows);
    const auto cut = [&](int part) {
        return min(max(part * plan.part_units * kUnitVectors - past_cut, 0), span.vectors);
    };
    const bool is_first = part == 0, is_last = part + 1 == int(gridDim.x);
    const int begin = cut(part), end = cut(part + 1);
    const int first = is_first ? 0 : span.head + begin * kElements;
    const int last = is_last ? vocab : span.head + end * kElements;
    const auto ready = [&] {
        row.read(task, r);
        if constexpr (kOf == Of::Several) {
            if (threadIdx.x < kWarpSize)
                collect(picks, task, r, first, last);
            __syncthreads();
            row.b = -picks.sum;
        }
    };
    if (!vectors) {
        ready();
        // The step after the last one may be past 2^31.
        for (std::int64_t i = first + int(threadIdx.x); i < last; i += Shape<kOf>::kThreads)
            row.element(int(i), task.logits.vocab_stride, task.vocab_stride);
        return;
    }
    write_span(row, span.head, begin, end, ready);
    const int thread = int(threadIdx.x), tail = span.head + span.vectors * kElements;
    if (is_first && thread < span.head)
        row.element(thread, 1, 1);
    if (is_last && tail + thread < vocab)
        row.element(tail + thread, 1, 1);
}

template <class T, Of kOf>
__global__ void __launch_bounds__(Shape<kOf>::kThreads, Shape<kOf>::kBlocksPerSm)
    gradient_kernel(const __grid_constant__ Plan plan) {
    __shared__ Picks picks;
    const std::int64_t step = std::int64_t(gridDim.y) * gridDim.z;
    for (std::int64_t row = std::int64_t(blockIdx.z) * gridDim.y + blockIdx.y; row < plan.rows;
         row += step) {
        write_part<T, kOf>(plan, row, int(blockIdx.x), picks);
        if constexpr (kOf == Of::Several)
            __syncthreads(); // the picks are read to the end
    }
}

template <class T, Of kOf> ms_status launch(Plan plan, ms_stream stream) {
    using S = Shape<kOf>;
    constexpr std::int64_t kUnitBytes = kUnitVectors * kVectorBytes;
    const std::int64_t bytes = plan.task.logits.vocab * std::int64_t(sizeof(T));
    int slots = 0;
    if (const ms_status status = running_blocks(S::kBlocksPerSm, slots))
        return status;
    plan.long_rows = bytes >= kLongRow;
    // A long row may begin just before a cut.
    const std::int64_t most = bytes + (plan.long_rows ? kCutBytes - kVectorBytes : 0);
    const auto units = int((most + kUnitBytes - 1) / kUnitBytes);
    const int parts = split_rows(plan.rows, units, slots, kMostBlocks).parts;
    plan.part_units = std::min((units + parts - 1) / parts, S::kMostPartUnits);
    const std::int64_t rows = std::min(plan.rows, kMostRows);
    const dim3 blocks(unsigned((units + plan.part_units - 1) / plan.part_units), unsigned(rows),
                      unsigned(std::min((plan.rows + rows - 1) / rows, kMostRows)));
    gradient_kernel<T, kOf><<<blocks, S::kThreads, 0, stream>>>(plan);
    MS_LAUNCH_CHECK();
    return succeed();
}

template <class T> ms_status launch(const Plan &plan, ms_stream stream) {
    if (plan.task.dlogps == nullptr)
        return launch<T, Of::Entropy>(plan, stream);
    return plan.task.selected == 1 ? launch<T, Of::One>(plan, stream)
                                   : launch<T, Of::Several>(plan, stream);
}

} // namespace

ms_status gradient(const GradientTask &task, ms_stream stream) {
    const Plan plan{task, row_map(task.logits.sizes, task.logits.strides),
                    row_map(task.logits.sizes, task.strides), row_count(task.logits)};
    if (task.logits.dtype == MS_F32)
        return launch<float>(plan, stream);
    return task.logits.dtype == MS_F16 ? launch<__half>(plan, stream)
                                       : launch<__nv_bfloat16>(plan, stream);
}

} // namespace moescope::logprob
