// Finds the distinct experts among many ids. Every warp collects them in registers: lane l owns the
// bits of experts 32 l .. 32 l + 31 (and of each 1024 above), and each id is shown to all lanes by
// a shuffle. No atomics within a block, no order that could vary.
//
// Few ids: one block does it all. Many: blocks mark a bit set in global memory, and one block reads
// it. The bit set lies in the first words of `active`, which is written only after it was read.
#include "kernels/common/cuda_check.h"
#include "kernels/dequant/dequant_checks.h"

#include <cub/block/block_scan.cuh>

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / 32;
constexpr int kMaxWords = 4096 / 32;
constexpr std::int64_t kOneBlockSlots = 4096;
constexpr int kMaxBlocks = 128;

using Scan = cub::BlockScan<int, kThreads>;

// The words of a block's bit set: word w is thread w's, 0 past the last one.
// kQuads: bit-set words a lane owns (1 up to 1024 experts, else 4).
template <int kQuads>
__device__ std::uint32_t mark_ids(const std::int32_t *ids, std::int64_t slots, int experts,
                                  std::uint32_t (&warp_words)[kWarps][kMaxWords]) {
    const unsigned lane = threadIdx.x % 32;
    std::uint32_t words[kQuads] = {};
    const std::int64_t stride = std::int64_t(gridDim.x) * kThreads;
    // The bound is the warp's, not the lane's: all lanes take part in every shuffle.
    const std::int64_t warp_begin = std::int64_t(blockIdx.x) * kThreads + threadIdx.x - lane;
    for (std::int64_t begin = warp_begin; begin < slots; begin += stride) {
        const std::int32_t mine = begin + lane < slots ? __ldg(ids + begin + lane) : -1;
        const std::uint32_t valid = unsigned(mine) < unsigned(experts) ? unsigned(mine) : ~0u;
#pragma unroll 8
        for (int i = 0; i < 32; ++i) {
            const std::uint32_t id = __shfl_sync(~0u, valid, i);
#pragma unroll
            for (unsigned q = 0; q < kQuads; ++q)
                words[q] |= (id >> 5) == lane + 32 * q ? 1u << (id & 31) : 0u;
        }
    }
#pragma unroll
    for (unsigned q = 0; q < kQuads; ++q)
        warp_words[threadIdx.x / 32][lane + 32 * q] = words[q];
    __syncthreads();
    std::uint32_t merged = 0;
    if (threadIdx.x < 32 * kQuads)
        for (int warp = 0; warp < kWarps; ++warp)
            merged |= warp_words[warp][threadIdx.x];
    return merged;
}

// Writes the outputs from the bit set, of which thread w holds word w. One whole block.
__device__ void write_active(const ms_active_experts_args &args, std::uint32_t word) {
    __shared__ Scan::TempStorage storage;
    int position = 0;
    int count = 0;
    Scan(storage).ExclusiveSum(__popc(word), position, count);
    const int first = threadIdx.x * 32;
    for (int expert = first; expert < min(first + 32, args.experts); ++expert) {
        const bool active = (word >> (expert - first)) & 1;
        args.remap[expert] = active ? position : -1;
        if (active)
            args.active[position++] = expert;
    }
    for (int i = count + threadIdx.x; i < args.experts; i += kThreads)
        args.active[i] = -1;
    if (threadIdx.x == 0)
        *args.count = count;
}

template <int kQuads>
__global__ void __launch_bounds__(kThreads) active_experts_kernel(ms_active_experts_args args) {
    __shared__ std::uint32_t warp_words[kWarps][kMaxWords];
    write_active(args, mark_ids<kQuads>(args.ids, args.slots, args.experts, warp_words));
}

template <int kQuads>
__global__ void __launch_bounds__(kThreads)
    mark_active_kernel(ms_active_experts_args args, std::uint32_t *bit_set) {
    __shared__ std::uint32_t warp_words[kWarps][kMaxWords];
    const std::uint32_t word = mark_ids<kQuads>(args.ids, args.slots, args.experts, warp_words);
    if (word != 0) // an id past the last expert is no bit, so that the word exists
        atomicOr(bit_set + threadIdx.x, word);
}

__global__ void __launch_bounds__(kThreads)
    list_active_kernel(ms_active_experts_args args, const std::uint32_t *bit_set) {
    const int words = (args.experts + 31) / 32;
    const std::uint32_t word = int(threadIdx.x) < words ? bit_set[threadIdx.x] : 0;
    __syncthreads(); // bit_set is args.active: all read before any writes
    write_active(args, word);
}

template <int kQuads> ms_status launch(const ms_active_experts_args &args, ms_stream stream) {
    if (args.slots <= kOneBlockSlots) {
        active_experts_kernel<kQuads><<<1, kThreads, 0, stream>>>(args);
        MS_LAUNCH_CHECK();
        return succeed();
    }
    auto *bit_set = reinterpret_cast<std::uint32_t *>(args.active);
    MS_CUDA_TRY(cudaMemsetAsync(bit_set, 0, std::size_t((args.experts + 31) / 32) * sizeof *bit_set,
                                stream));
    const auto blocks = unsigned(
        std::min<std::int64_t>((args.slots + 4 * kThreads - 1) / (4 * kThreads), kMaxBlocks));
    mark_active_kernel<kQuads><<<blocks, kThreads, 0, stream>>>(args, bit_set);
    MS_LAUNCH_CHECK();
    list_active_kernel<<<1, kThreads, 0, stream>>>(args, bit_set);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace

} // namespace moescope

extern "C" ms_status ms_active_experts(const ms_active_experts_args *args, ms_stream stream) {
    using namespace moescope;
    ms_active_experts_args full;
    if (const ms_status status = check_active_experts(args, full))
        return status;
    return full.experts <= 1024 ? launch<1>(full, stream) : launch<4>(full, stream);
}
