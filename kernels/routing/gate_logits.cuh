// The router's matrix product on the matrix units: partial[s] = x[:, s'th part of H] * w^T[...], in
// float32, by mma.sync. The parts of H are fixed by the shape, and whoever adds them does so in their
// order: the same bits every time.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace moescope {

// How a product [T, H] x [N, H]^T is cut.
struct GateTiling {
    static constexpr int kRows = 128, kColumns = 128, kDepth = 64, kStages = 3;
    static constexpr int kThreads = 256; // 2 x 4 warps of 64 x 32
    static constexpr int kMaxParts = 32;
    static constexpr int kWantedBlocks = 128; // about one a multiprocessor
    static constexpr int kStageBytes = (kRows + kColumns) * kDepth * 2;

    std::int64_t row_tiles = 0;
    int column_tiles = 0, depth_blocks = 0, parts = 1, blocks_per_part = 0;

    GateTiling(std::int64_t rows, std::int64_t columns, std::int64_t depth) {
        row_tiles = (rows + kRows - 1) / kRows;
        column_tiles = int((columns + kColumns - 1) / kColumns);
        depth_blocks = int((depth + kDepth - 1) / kDepth);
        const std::int64_t wanted = kWantedBlocks / (row_tiles * column_tiles);
        const int most = std::min(depth_blocks, kMaxParts);
        blocks_per_part = int((depth_blocks + std::clamp<std::int64_t>(wanted, 1, most) - 1) /
                              std::clamp<std::int64_t>(wanted, 1, most));
        parts = (depth_blocks + blocks_per_part - 1) / blocks_per_part;
    }
};

struct GateProduct {
    const void *x; // [rows, depth], rows x_stride apart
    std::int64_t x_stride, rows;
    const void *gate, *extra; // [gate_rows, depth] and, on from there, [columns - gate_rows, depth]
    int gate_rows, columns, depth;
    int blocks_per_part;
    float *partial; // out [parts, rows, columns]
};

namespace gate_logits {

__device__ inline unsigned shared_address(const void *pointer) {
    return unsigned(__cvta_generic_to_shared(pointer));
}

// 16 bytes, or zeros where there is no source.
__device__ inline void copy_async(unsigned to, const void *from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
                 "r"(exists ? 16 : 0)
                 : "memory");
}

__device__ inline void load_matrices(unsigned address, unsigned (&out)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

template <class T>
__device__ inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    if constexpr (std::is_same_v<T, __half>)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                     "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    else
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
                     "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Where the 16-byte chunk `chunk` of a tile's row lies: chunks are dealt anew in every row, so that
// eight rows' same chunk is in eight different banks.
__device__ inline unsigned chunk_offset(int row, int chunk) {
    return unsigned(row * 128 + ((chunk ^ (row & 7)) << 4));
}

} // namespace gate_logits

template <class T>
__global__ void __launch_bounds__(GateTiling::kThreads)
    gate_logits_kernel(const __grid_constant__ GateProduct product) {
    using namespace gate_logits;
    using Tiling = GateTiling;
    extern __shared__ __align__(128) std::uint8_t tiles[];
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
    const std::int64_t first_row = std::int64_t(blockIdx.x) * Tiling::kRows;
    const int first_column = int(blockIdx.y) * Tiling::kColumns;
    const int first_block = int(blockIdx.z) * product.blocks_per_part;
    const int depth_blocks = (product.depth + Tiling::kDepth - 1) / Tiling::kDepth;
    const int blocks = min(product.blocks_per_part, depth_blocks - first_block);

    // Every thread copies the same chunk of eight rows, 32 rows apart, of both tiles together.
    const int chunk = thread % 8, copy_row = thread / 8;
    const auto copy_stage = [&](int block) {
        const unsigned stage =
            shared_address(tiles) + unsigned(block % Tiling::kStages * Tiling::kStageBytes);
        const int k = (first_block + block) * Tiling::kDepth + chunk * 8;
#pragma unroll
        for (int i = 0; i < Tiling::kRows / 32; ++i) {
            const std::int64_t row = first_row + copy_row + 32 * i;
            const bool exists = row < product.rows && k < product.depth;
            copy_async(stage + chunk_offset(copy_row + 32 * i, chunk),
                       static_cast<const T *>(product.x) +
                           (exists ? row * product.x_stride + k : 0),
                       exists);
        }
#pragma unroll
        for (int i = 0; i < Tiling::kColumns / 32; ++i) {
            const int column = first_column + copy_row + 32 * i;
            const bool exists = column < product.columns && k < product.depth;
            const bool of_gate = column < product.gate_rows;
            const T *matrix = static_cast<const T *>(of_gate || !exists ? product.gate : product.extra);
            const std::int64_t row = of_gate ? column : column - product.gate_rows;
            copy_async(stage + chunk_offset(Tiling::kRows + copy_row + 32 * i, chunk),
                       matrix + (exists ? row * product.depth + k : 0), exists);
        }
    };

    float sums[4][4][4] = {};
    const int warp_row = warp / 4 * 64, warp_column = warp % 4 * 32;
#pragma unroll
    for (int block = 0; block < Tiling::kStages - 1; ++block) {
        if (block < blocks)
            copy_stage(block);
        asm volatile("cp.async.commit_group;" ::: "memory");
    }
    for (int block = 0; block < blocks; ++block) {
        asm volatile("cp.async.wait_group %0;" ::"n"(Tiling::kStages - 2) : "memory");
        __syncthreads(); // this block has arrived, and everyone has left the one before it
        if (block + Tiling::kStages - 1 < blocks)
            copy_stage(block + Tiling::kStages - 1);
        asm volatile("cp.async.commit_group;" ::: "memory");
        const unsigned stage =
            shared_address(tiles) + unsigned(block % Tiling::kStages * Tiling::kStageBytes);
#pragma unroll
        for (int step = 0; step < Tiling::kDepth / 16; ++step) {
            unsigned a[4][4], b[2][4];
#pragma unroll
            for (int i = 0; i < 4; ++i)
                load_matrices(stage + chunk_offset(warp_row + 16 * i + lane % 16, 2 * step + lane / 16),
                              a[i]);
#pragma unroll
            for (int j = 0; j < 2; ++j)
                load_matrices(stage + chunk_offset(Tiling::kRows + warp_column + 16 * j + lane % 8 +
                                                       lane / 16 * 8,
                                                   2 * step + lane / 8 % 2),
                              b[j]);
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j)
                    multiply<T>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
    }

    float *out = product.partial + std::int64_t(blockIdx.z) * product.rows * product.columns;
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const std::int64_t row = first_row + warp_row + 16 * i + 8 * half + lane / 4;
            if (row >= product.rows)
                continue;
#pragma unroll
            for (int j = 0; j < 4; ++j)
#pragma unroll
                for (int k = 0; k < 2; ++k) {
                    const int column = first_column + warp_column + 8 * j + lane % 4 * 2 + k;
                    if (column < product.columns)
                        out[row * product.columns + column] = sums[i][j][2 * half + k];
                }
        }
}

} // namespace moescope
