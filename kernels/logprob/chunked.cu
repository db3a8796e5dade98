// The baseline the one-read kernels are measured against: what a trainer does with PyTorch's own
// operators. log_softmax of a chunk of rows is written to memory in float32 and read again; the
// logits themselves are read three times.
#include "kernels/common/cuda_check.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/logprob/logprob_tasks.h"
#include "kernels/routing/logits.cuh"

#include <cub/block/block_reduce.cuh>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope::logprob {

namespace {

constexpr std::int64_t kChunkRows = 128; // TRL's chunk_size
constexpr int kThreads = 1024;

struct Max {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// One sum or maximum for the whole block, known to every thread.
template <class Reduction> __device__ float reduce(float value, Reduction reduction) {
    using Reduce = cub::BlockReduce<float, kThreads>;
    __shared__ typename Reduce::TempStorage scratch;
    __shared__ float result;
    __syncthreads();
    value = Reduce(scratch).Reduce(value, reduction);
    if (threadIdx.x == 0)
        result = value;
    __syncthreads();
    return result;
}

struct Sum {
    __device__ float operator()(float a, float b) const { return a + b; }
};

// A chunk's rows begin at `first`.
struct Chunk {
    ms_logits logits;
    RowMap map;
    float scale;
    std::int64_t first;
    float *log_p; // [kChunkRows, V]
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    log_softmax_rows(const __grid_constant__ Chunk chunk, float *lse) {
    const std::int64_t row = chunk.first + blockIdx.x, vocab = chunk.logits.vocab;
    const std::int64_t stride = chunk.logits.vocab_stride;
    const T *x = static_cast<const T *>(chunk.logits.data) + chunk.map.offset(row);
    float largest = -INFINITY;
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads)
        largest = fmaxf(largest, widen(x[i * stride]));
    largest = reduce(largest, Max());
    const float reference = largest == -INFINITY ? 0.0f : largest; // -inf - -inf would be NaN
    float mass = 0;
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads)
        mass += expf((widen(x[i * stride]) - reference) * chunk.scale);
    const float log_mass = logf(reduce(mass, Sum()));
    float *log_p = chunk.log_p + blockIdx.x * vocab;
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads)
        log_p[i] = (widen(x[i * stride]) - reference) * chunk.scale - log_mass;
    if (lse != nullptr && threadIdx.x == 0)
        lse[row] = largest * chunk.scale + log_mass;
}

__global__ void __launch_bounds__(kThreads)
    entropy_rows(const __grid_constant__ Chunk chunk, float *entropy) {
    const std::int64_t vocab = chunk.logits.vocab;
    const float *log_p = chunk.log_p + blockIdx.x * vocab;
    float sum = 0;
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads)
        if (log_p[i] != -INFINITY)
            sum += expf(log_p[i]) * log_p[i];
    sum = reduce(sum, Sum());
    if (threadIdx.x == 0)
        entropy[chunk.first + blockIdx.x] = -sum;
}

__device__ bool is_token(std::int64_t index, std::int64_t vocab) {
    return index >= 0 && index < vocab;
}

__global__ void __launch_bounds__(kThreads)
    gather_rows(const __grid_constant__ Chunk chunk, const std::int64_t *indices,
                std::int32_t selected, float *logps) {
    const std::int64_t row = chunk.first + blockIdx.x, vocab = chunk.logits.vocab;
    for (std::int32_t j = threadIdx.x; j < selected; j += kThreads) {
        const std::int64_t index = indices[row * selected + j];
        logps[row * selected + j] =
            is_token(index, vocab) ? chunk.log_p[blockIdx.x * vocab + index] : 0.0f;
    }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    entropy_gradient_rows(const __grid_constant__ Chunk chunk, const __grid_constant__ RowMap out,
                          const __grid_constant__ GradientTask task) {
    const std::int64_t row = chunk.first + blockIdx.x, vocab = chunk.logits.vocab;
    const float *log_p = chunk.log_p + blockIdx.x * vocab;
    T *y = static_cast<T *>(task.dlogits) + out.offset(row);
    const float factor = -task.scale * task.dentropy[row], entropy = task.entropy[row];
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads)
        y[i * task.vocab_stride] =
            T(log_p[i] == -INFINITY ? 0.0f : factor * expf(log_p[i]) * (log_p[i] + entropy));
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    selective_gradient_rows(const __grid_constant__ Chunk chunk,
                            const __grid_constant__ RowMap out,
                            const __grid_constant__ GradientTask task) {
    const std::int64_t row = chunk.first + blockIdx.x, vocab = chunk.logits.vocab;
    const float *log_p = chunk.log_p + blockIdx.x * vocab;
    const std::int64_t *indices = task.indices + row * task.selected;
    const float *dlogps = task.dlogps + row * task.selected;
    T *y = static_cast<T *>(task.dlogits) + out.offset(row);
    float sum = 0;
    for (std::int32_t j = 0; j < task.selected; ++j)
        sum += is_token(indices[j], vocab) ? dlogps[j] : 0.0f;
    for (std::int64_t i = threadIdx.x; i < vocab; i += kThreads) {
        float gradient = -expf(log_p[i]) * sum;
        for (std::int32_t j = 0; j < task.selected; ++j)
            gradient += indices[j] == i ? dlogps[j] : 0.0f;
        y[i * task.vocab_stride] = T(task.scale * gradient);
    }
}

// rows(chunk, rows) for every chunk, after its log_softmax.
template <class T, class Rows>
ms_status for_each_chunk(const ms_logits &logits, float scale, void *workspace, float *lse,
                         ms_stream stream, const Rows &rows) {
    const std::int64_t count = row_count(logits);
    Chunk chunk{logits, row_map(logits.sizes, logits.strides), scale, 0,
                static_cast<float *>(workspace)};
    for (; chunk.first < count; chunk.first += kChunkRows) {
        const auto blocks = unsigned(std::min(kChunkRows, count - chunk.first));
        log_softmax_rows<T><<<blocks, kThreads, 0, stream>>>(chunk, lse);
        MS_LAUNCH_CHECK();
        rows(chunk, blocks);
        MS_LAUNCH_CHECK();
    }
    return succeed();
}

template <class T> ms_status run(const StatsTask &task, ms_stream stream) {
    return for_each_chunk<T>(
        task.logits, task.scale, task.workspace, task.lse, stream,
        [&](const Chunk &chunk, unsigned blocks) {
            if (task.entropy != nullptr)
                entropy_rows<<<blocks, kThreads, 0, stream>>>(chunk, task.entropy);
            if (task.selected > 0)
                gather_rows<<<blocks, kThreads, 0, stream>>>(chunk, task.indices, task.selected,
                                                             task.logps);
        });
}

template <class T> ms_status run(const GradientTask &task, ms_stream stream) {
    const RowMap out = row_map(task.logits.sizes, task.strides);
    return for_each_chunk<T>(
        task.logits, task.scale, task.workspace, nullptr, stream,
        [&](const Chunk &chunk, unsigned blocks) {
            if (task.dlogps == nullptr)
                entropy_gradient_rows<T><<<blocks, kThreads, 0, stream>>>(chunk, out, task);
            else
                selective_gradient_rows<T><<<blocks, kThreads, 0, stream>>>(chunk, out, task);
        });
}

template <class Task> ms_status run_typed(const Task &task, ms_stream stream) {
    if (task.logits.dtype == MS_F32)
        return run<float>(task, stream);
    return task.logits.dtype == MS_F16 ? run<__half>(task, stream)
                                       : run<__nv_bfloat16>(task, stream);
}

} // namespace

std::size_t chunked_workspace_bytes(const ms_logits &logits) {
    return std::size_t(std::min(kChunkRows, row_count(logits)) * logits.vocab) * sizeof(float);
}

ms_status chunked_stats(const StatsTask &task, ms_stream stream) { return run_typed(task, stream); }

ms_status chunked_gradient(const GradientTask &task, ms_stream stream) {
    return run_typed(task, stream);
}

} // namespace moescope::logprob
