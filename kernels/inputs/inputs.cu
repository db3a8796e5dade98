#include "kernels/common/cuda_check.h"
#include "kernels/inputs/counter_hash.h"
#include "kernels/inputs/inputs.h"
#include "kernels/inputs/inputs_checks.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace moescope {

namespace {

constexpr int kThreads = 256;

// Grid-stride kernels: enough blocks to fill any device, never near the grid limit.
unsigned blocks_for(std::int64_t items) {
    return static_cast<unsigned>(
        std::clamp<std::int64_t>((items + kThreads - 1) / kThreads, 1, 16384));
}

// 8 elements, written in 16-byte (8-byte for bytes) pieces where the address allows.
template <class T> struct alignas(sizeof(T) == 1 ? 8 : 16) Eight { T values[8]; };

template <class T> __device__ T element_of(std::uint8_t byte, float step) {
    if constexpr (std::is_same_v<T, std::uint8_t>)
        return byte;
    else // exact: 8 significant bits
        return static_cast<T>(uniform_of(byte, step));
}

template <class T>
__global__ void fill_kernel(T *data, std::int64_t first_group, std::int64_t count, std::uint64_t key,
                            float step, bool aligned) {
    const std::int64_t groups = (count + 7) / 8;
    const std::int64_t stride = std::int64_t(gridDim.x) * blockDim.x;
    for (std::int64_t group = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x; group < groups;
         group += stride) {
        const std::uint64_t hash = hash_at(key, static_cast<std::uint64_t>(first_group + group));
        Eight<T> eight;
#pragma unroll
        for (int i = 0; i < 8; ++i)
            eight.values[i] = element_of<T>(byte_of(hash, i), step);
        if (aligned && group * 8 + 8 <= count) {
            reinterpret_cast<Eight<T> *>(data)[group] = eight;
        } else {
#pragma unroll
            for (int i = 0; i < 8; ++i)
                if (group * 8 + i < count)
                    data[group * 8 + i] = eight.values[i];
        }
    }
}

template <class T>
ms_status launch_fill(void *data, std::int64_t first, std::int64_t count, std::uint64_t key,
                      float step, ms_stream stream) {
    if (count == 0)
        return succeed();
    const bool aligned = reinterpret_cast<std::uintptr_t>(data) % alignof(Eight<T>) == 0;
    fill_kernel<T><<<blocks_for((count + 7) / 8), kThreads, 0, stream>>>(
        static_cast<T *>(data), first / 8, count, key, step, aligned);
    MS_LAUNCH_CHECK();
    return succeed();
}

__global__ void routing_logits_kernel(RoutingLogitsArgs args, std::uint64_t gumbel_key,
                                      std::uint64_t hot_key, std::uint32_t threshold) {
    const std::int64_t count = args.tokens * args.experts;
    const std::int64_t stride = std::int64_t(gridDim.x) * blockDim.x;
    for (std::int64_t i = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride) {
        const std::int64_t token = i / args.experts;
        const int expert = static_cast<int>(i - token * args.experts);
        float logit = gumbel_logit(args.log_popularity[expert], args.gumbel_table, gumbel_key, i);
        if (expert == 0 && is_hot(hot_key, token, threshold))
            logit += kHotBonus;
        if (args.dtype == MS_F32)
            static_cast<float *>(args.logits)[i] = logit;
        else if (args.dtype == MS_F16)
            static_cast<__half *>(args.logits)[i] = __float2half_rn(logit);
        else
            static_cast<__nv_bfloat16 *>(args.logits)[i] = __float2bfloat16_rn(logit);
    }
}

} // namespace

ms_status fill_uniform(const FillUniformArgs *args, ms_stream stream) {
    if (const ms_status status = check_fill_uniform(args))
        return status;
    const std::uint64_t key = hash_key(args->seed, args->tensor);
    const float step = args->scale / 128.0f;
    if (args->dtype == MS_F32)
        return launch_fill<float>(args->data, args->first, args->count, key, step, stream);
    if (args->dtype == MS_F16)
        return launch_fill<__half>(args->data, args->first, args->count, key, step, stream);
    return launch_fill<__nv_bfloat16>(args->data, args->first, args->count, key, step, stream);
}

ms_status fill_bytes(const FillBytesArgs *args, ms_stream stream) {
    if (const ms_status status = check_fill_bytes(args))
        return status;
    return launch_fill<std::uint8_t>(args->data, 0, args->count,
                                     hash_key(args->seed, args->tensor), 0.0f, stream);
}

ms_status routing_logits(const RoutingLogitsArgs *args, ms_stream stream) {
    if (const ms_status status = check_routing_logits(args))
        return status;
    routing_logits_kernel<<<blocks_for(args->tokens * args->experts), kThreads, 0, stream>>>(
        *args, hash_key(args->seed, kGumbelStream), hash_key(args->seed, kHotStream),
        hot_threshold(args->hot_share));
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
