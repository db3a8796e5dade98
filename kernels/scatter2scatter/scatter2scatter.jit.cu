// One tile of a grouped matrix product on tensor cores (sm_80 and newer): block_m sorted slots of
// one expert times block_n columns of its weight, with the rows of X gathered and the rows of Y
// scattered on the way. Tile sizes and variant are compile-time constants that the host defines
// (kernel_plan.h): MS_KERNEL_NAME, MS_BF16, MS_OUT_F32, MS_BLOCK_M, MS_BLOCK_N, MS_BLOCK_K,
// MS_WARPS_M, MS_WARPS_N, MS_STAGES, MS_W_TRANSPOSED, MS_W_ALIGNED, MS_RANK_PADDED, MS_EXTRA_RANK,
// MS_B_TRANSPOSED, MS_B_ALIGNED, MS_ROW_SPLIT, MS_ACCUMULATE, MS_NF4, MS_NF4_SPAN
// and MS_DYNAMIC_SMEM.
//
// Data flow: cp.async fills a ring of MS_STAGES stages of shared memory with tiles of X, W (and A);
// ldmatrix feeds mma.sync from it, one k-step ahead. With MS_RANK_PADDED, XA = X*A^T accumulates
// beside Y, is rounded to the input type, and meets B after the loop. With MS_EXTRA_RANK, an
// earlier kernel has made XA, and the ring begins with tiles of XA and B: their product is scaled
// in the accumulators that X*W is then added to. With MS_NF4, the ring holds W's nibbles, and lanes
// look up the ones they feed to the tensor cores themselves; a span's absmax multiplies its sums. The result goes through shared memory so
// that rows of Y are written 16 bytes a lane.
#include "ptx.jit.cuh"
#include "scatter2scatter_params.jit.cuh"

namespace {

using ptx::u16;
using ptx::u32;
using ptx::u64;

// ---- The tile
// ------------------------------------------------------------------------------------

constexpr int kBlockM = MS_BLOCK_M;
constexpr int kBlockN = MS_BLOCK_N;
constexpr int kBlockK = MS_BLOCK_K;
constexpr int kWarpsN = MS_WARPS_N;
constexpr int kWarps = MS_WARPS_M * MS_WARPS_N;
constexpr int kThreads = 32 * kWarps;
constexpr int kStages = MS_STAGES;
constexpr bool kWTransposed = MS_W_TRANSPOSED;
constexpr int kRank = MS_RANK_PADDED; // of the fused LoRA part: a multiple of 16, 0 for none
constexpr bool kLora = kRank > 0;
constexpr int kExtraRank = MS_EXTRA_RANK; // of [XA | B] as extra depth: a multiple of 16, or 0
constexpr bool kBTransposed = MS_B_TRANSPOSED; // B [R, N], for the extra depth
constexpr bool kNf4 = MS_NF4 != 0;             // W [N, K] of nibbles: 1 with absmax, 2 with nested
constexpr bool kNf4Nested = MS_NF4 == 2;

constexpr int kWarpRows = kBlockM / MS_WARPS_M;
constexpr int kWarpColumns = kBlockN / MS_WARPS_N;
constexpr int kMTiles = kWarpRows / 16;
constexpr int kNTiles = kWarpColumns / 8;
constexpr int kSteps = kBlockK / 16; // mma steps a stage
static_assert(kWarpRows % 16 == 0 && kWarpColumns % 16 == 0 && kBlockK % 16 == 0 &&
              kRank % 16 == 0 && kExtraRank % 16 == 0 && !(kRank > 0 && kExtraRank > 0));
constexpr int kExtraTiles = (kExtraRank + kBlockK - 1) / kBlockK;

// The 8-column tiles of XA are dealt out evenly over the warps of a row; rows of A past the rank
// are zero, so that every warp does the same work without a branch.
constexpr int kXaTiles = (kRank / 8 + kWarpsN - 1) / kWarpsN;
constexpr int kXaRows = kXaTiles * 8 * kWarpsN;
constexpr int kXaStride = kRank + 8;              // elements: an odd number of 16-byte chunks
constexpr int kRankChunk = kRank <= 16 ? 16 : 32; // depth of B that is resident at a time
constexpr int kBStride = kRankChunk + 8;
constexpr int kStagingStride = kWarpColumns + 8; // floats: rows 8 banks apart

__host__ __device__ constexpr int round_up_128(int bytes) { return (bytes + 127) / 128 * 128; }
__host__ __device__ constexpr int max_of(int a, int b) { return a > b ? a : b; }

constexpr int kRowTableBytes = round_up_128(kBlockM * 4);
constexpr int kLoraBBytes = kLora ? round_up_128(kBlockN * kBStride * 2) : 0;
constexpr int kXBytes = kBlockM * kBlockK * 2;
constexpr int kWBytes = kBlockN * kBlockK * 2;
constexpr int kStageBytes = kXBytes + kWBytes + kXaRows * kBlockK * 2;
// The ring of NF4: X, nibbles, and an absmax for every span of them. A span is what shares one
// absmax whatever the row: the tensor cores sum it up before the absmax comes in.
constexpr int kNf4Span = kNf4 ? MS_NF4_SPAN : 32;
constexpr int kNf4Words = kNf4Span / 32; // words of 8 nibbles a lane has of one row, a span
constexpr int kNf4Spans = max_of(kBlockK / kNf4Span, 1);
constexpr int kNf4Chunks = max_of(kBlockK / 32, 1); // of 16 bytes, a row of nibbles
constexpr int kNf4Bytes = kBlockN * kBlockK / 2;
constexpr int kNf4StageBytes = kXBytes + kNf4Bytes + kBlockN * kNf4Spans * 4;
constexpr int kNf4RingBytes =
    max_of(kStages * kNf4StageBytes, kExtraTiles > 0 ? kXBytes + kWBytes : 0);
constexpr int kNf4TableBytes = kNf4 ? 256 * 32 * 4 : 0;
static_assert(!kNf4 || (kBlockK % kNf4Span == 0 && kWTransposed && !kLora));
constexpr int kRingBytes = kNf4 ? kNf4RingBytes : kStages * kStageBytes;
constexpr int kXaBytes = kLora ? kBlockM * kXaStride * 2 : 0;
constexpr int kStagingBytes = kWarps * 16 * kStagingStride * 4;
constexpr int kRingOffset = kRowTableBytes + kLoraBBytes + kNf4TableBytes;
static_assert(kRingOffset + max_of(kRingBytes, max_of(kXaBytes, kStagingBytes)) ==
                  MS_DYNAMIC_SMEM,
              "the host computes the same layout");

// ---- Shared memory tiles
// -------------------------------------------------------------------------

constexpr int kKChunks = kBlockK / 8; // 16-byte chunks a row of a tile whose rows run along k
constexpr int kNChunks = kBlockN / 8; // the same for W [K, N], whose rows run along n

// What a row's chunk index is XORed with, so that the 8 rows ldmatrix reads fall on 8 distinct
// 16-byte bank groups, and so do 8 consecutive chunks that cp.async writes. Depends on the low
// three bits of the row alone.
template <int kChunks> __device__ __forceinline__ u32 swizzle(u32 row) {
    if constexpr (kChunks >= 8)
        return row & 7;
    else
        return (row / (8 / kChunks)) & (kChunks - 1);
}
template <int kChunks> __device__ __forceinline__ u32 chunk_offset(u32 row, u32 chunk) {
    return (row * kChunks + (chunk ^ swizzle<kChunks>(row))) * 16;
}

// Where a chunk of X stands for NF4: lanes read chunks kNf4Words apart of two neighbouring rows, eight
// at a time. The XOR sends them to 8 distinct bank groups.
__device__ __forceinline__ u32 nf4_x_offset(u32 row, u32 chunk) {
    const u32 mask = kNf4Span == 64 ? row & 1 : kBlockK == 32 ? 0 : (row & 1) << 2;
    return (row * kKChunks + (chunk ^ mask)) * 16;
}
// The same for 32 nibbles of a row of W: lanes read a span of 4 or 8 neighbouring rows at a time.
__device__ __forceinline__ u32 nf4_w_offset(u32 row, u32 chunk) {
    const u32 mask = kNf4Span == 32 ? swizzle<kNf4Chunks>(row) : kBlockK == 128 ? row & 2 : 0;
    return (row * kNf4Chunks + (chunk ^ mask)) * 16;
}

// ---- Numbers
// -------------------------------------------------------------------------------------

__device__ __forceinline__ u16 narrow(float value) {
    return MS_BF16 ? ptx::bf16_from_float(value) : ptx::f16_from_float(value);
}
__device__ __forceinline__ float widen(u16 bits) {
    return MS_BF16 ? ptx::float_from_bf16(bits) : ptx::float_from_f16(bits);
}
__device__ __forceinline__ u32 narrow_pair(float low, float high) {
    return narrow(low) | u32(narrow(high)) << 16;
}
__device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    if constexpr (MS_BF16)
        ptx::mma_bf16(d, a, b0, b1);
    else
        ptx::mma_f16(d, a, b0, b1);
}

// ---- Which tile
// ----------------------------------------------------------------------------------

struct Block {
    int expert;
    int row_begin; // first sorted position
    int rows;      // valid ones, <= kBlockM
    int n0;        // first column
};

// Blocks walk groups of 8 row tiles column by column: what runs at one time shares both its rows of
// X and its columns of W in the L2.
__device__ __forceinline__ bool find_block(const Scatter2ScatterParams &p, Block &block) {
    constexpr int kGroup = 8;
    const int id = blockIdx.x;
    const int first = id / (kGroup * p.n_tiles) * kGroup;
    const int group = min(p.tile_count - first, kGroup);
    const int within = id - first * p.n_tiles;
    const int row_block = first + within % group; // MS_ROW_SPLIT of them a tile of the schedule
    const Scatter2ScatterTile tile = p.tiles[row_block / MS_ROW_SPLIT];
    if (tile.expert < 0)
        return false;
    block.expert = tile.expert;
    block.row_begin = p.offsets[tile.expert] +
                      (tile.tile * MS_ROW_SPLIT + row_block % MS_ROW_SPLIT) * kBlockM;
    block.rows = min(p.offsets[tile.expert + 1] - block.row_begin, kBlockM);
    block.n0 = within / group * kBlockN;
    return block.rows > 0;
}

// ---- Global -> shared
// ----------------------------------------------------------------------------

// Runs body(row, chunk, i) for every 16-byte chunk of a kRows x kChunks tile that this thread
// moves.
template <int kRows, int kChunks, class Body>
__device__ __forceinline__ void for_my_chunks(Body body) {
    constexpr int kTotal = kRows * kChunks;
#pragma unroll
    for (int i = 0; i < (kTotal + kThreads - 1) / kThreads; ++i) {
        const u32 index = threadIdx.x + i * kThreads;
        if (kTotal % kThreads == 0 || int(index) < kTotal)
            body(index / kChunks, index % kChunks, i);
    }
}

// The rows of X that this thread copies, found once.
struct XSource {
    static constexpr int kCopies = (kBlockM * kKChunks + kThreads - 1) / kThreads;
    u32 row_16b[kCopies]; // row start, in chunks of 16 bytes
    u32 valid = 0;        // a bit a copy
    static_assert(kCopies <= 32);

    __device__ __forceinline__ XSource(const Scatter2ScatterParams &p, const Block &block,
                                       const int *slot_of_row) {
        for_my_chunks<kBlockM, kKChunks>([&](u32 row, u32, int i) {
            const bool in_tile = row < block.rows;
            u32 source = 0;
            if (in_tile)
                source = p.x_grouped ? block.row_begin + row : u32(slot_of_row[row]) / u32(p.top_k);
            row_16b[i] = source * p.x_stride_16b;
            valid |= u32(in_tile) << i;
        });
    }

    __device__ __forceinline__ void load(const Scatter2ScatterParams &p, int k0, u32 shared) const {
        for_my_chunks<kBlockM, kKChunks>([&](u32 row, u32 chunk, int i) {
            const uint4 *source =
                static_cast<const uint4 *>(p.x) + (row_16b[i] + u32(k0) / 8 + chunk);
            const u32 target =
                kNf4 ? nf4_x_offset(row, chunk) : chunk_offset<kKChunks>(row, chunk);
            ptx::cp_async_16(shared + target, source,
                             (valid >> i & 1) && k0 + int(chunk) * 8 < p.k);
        });
    }
};

// 8 elements along k, one by one, for rows that do not begin at a multiple of 16 bytes.
__device__ __forceinline__ uint4 gather_8(const u16 *source, bool row_valid, int k, int k_limit) {
    u32 words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const u32 low = row_valid && k + 2 * i < k_limit ? source[2 * i] : 0;
        const u32 high = row_valid && k + 2 * i + 1 < k_limit ? source[2 * i + 1] : 0;
        words[i] = low | high << 16;
    }
    return make_uint4(words[0], words[1], words[2], words[3]);
}

// A tile whose rows run along k: W [N, K] and A [R, K]. Zero past row_limit and k_limit.
template <int kRows, bool kAligned>
__device__ __forceinline__ void load_k_major(const u16 *matrix, int row_limit, int row_length,
                                             int k0, int k_limit, u32 shared) {
    for_my_chunks<kRows, kKChunks>([&](u32 row, u32 chunk, int) {
        const int k = k0 + int(chunk) * 8;
        const u16 *source = matrix + u64(row) * u32(row_length) + k;
        const bool row_valid = int(row) < row_limit;
        const u32 target = shared + chunk_offset<kKChunks>(row, chunk);
        if constexpr (kAligned)
            ptx::cp_async_16(target, source, row_valid && k < k_limit);
        else
            ptx::store_shared_16(target, gather_8(source, row_valid, k, k_limit));
    });
}

// A tile whose rows run along n: W [K, N] or B [R, N], from its first column on. Zero past k_limit
// and column_limit.
template <bool kAligned>
__device__ __forceinline__ void load_n_major(const u16 *matrix, int column_limit, int row_length,
                                             int k0, int k_limit, u32 shared) {
    for_my_chunks<kBlockK, kNChunks>([&](u32 row, u32 chunk, int) {
        const int k = k0 + int(row), column = int(chunk) * 8;
        const u16 *source = matrix + u64(u32(k)) * u32(row_length) + column;
        const u32 target = shared + chunk_offset<kNChunks>(row, chunk);
        if constexpr (kAligned)
            ptx::cp_async_16(target, source, k < k_limit && column < column_limit);
        else
            ptx::store_shared_16(target, gather_8(source, k < k_limit, column, column_limit));
    });
}

// The operands of one expert, and how a stage of the ring is filled from them.
struct Loader {
    const Scatter2ScatterParams &p;
    const Block &block;
    const XSource x;
    const u16 *w;
    const u16 *lora_a;

    __device__ __forceinline__ Loader(const Scatter2ScatterParams &params, const Block &b,
                                      const int *slot_of_row)
        : p(params), block(b), x(params, b, slot_of_row) {
        w = static_cast<const u16 *>(p.w) + u64(b.expert) * u32(p.k_w) * u32(p.n_w);
        w += kWTransposed ? u64(b.n0) * u32(p.k_w) : u64(b.n0);
        if constexpr (kLora)
            lora_a = static_cast<const u16 *>(p.lora_a) + u64(b.expert) * u32(p.rank) * u32(p.k);
    }

    __device__ __forceinline__ void load_w(int k0, u32 shared) const {
        if constexpr (kWTransposed)
            load_k_major<kBlockN, MS_W_ALIGNED>(w, p.n_w - block.n0, p.k_w, k0, p.k_w, shared);
        else
            load_n_major<MS_W_ALIGNED>(w, p.n_w - block.n0, p.n_w, k0, p.k_w, shared);
    }

    // XA [S, xa_columns] by sorted position, and B, from rank r0 on.
    __device__ __forceinline__ void load_extra(int r0, u32 shared) const {
        const u16 *xa = static_cast<const u16 *>(p.xa) + u64(block.row_begin) * u32(p.xa_columns);
        for_my_chunks<kBlockM, kKChunks>([&](u32 row, u32 chunk, int) {
            const int r = r0 + int(chunk) * 8;
            ptx::cp_async_16(shared + chunk_offset<kKChunks>(row, chunk),
                             xa + u64(row) * u32(p.xa_columns) + r,
                             int(row) < block.rows && r < p.xa_columns);
        });
        const u16 *b =
            static_cast<const u16 *>(p.lora_b) + u64(block.expert) * u32(p.n) * u32(p.rank);
        if constexpr (kBTransposed)
            load_n_major<MS_B_ALIGNED>(b + block.n0, p.n - block.n0, p.n, r0, p.rank,
                                       shared + kXBytes);
        else
            load_k_major<kBlockN, MS_B_ALIGNED>(b + u64(block.n0) * u32(p.rank), p.n - block.n0,
                                                p.rank, r0, p.rank, shared + kXBytes);
    }

    // Tile i of the ring: those of the extra depth come first.
    __device__ __forceinline__ void load_tile(int i, u32 shared) const {
        if constexpr (kExtraTiles > 0) {
            if (i < kExtraTiles) {
                load_extra(i * kBlockK, shared);
                return;
            }
        }
        load_stage((i - kExtraTiles) * kBlockK, shared);
    }

    __device__ __forceinline__ void load_stage(int k0, u32 shared) const {
        x.load(p, k0, shared);
        load_w(k0, shared + kXBytes);
        if constexpr (kLora)
            load_k_major<kXaRows, true>(lora_a, p.rank, p.k, k0, p.k, shared + kXBytes + kWBytes);
    }

    // B[n0 .. n0 + kBlockN, r0 .. r0 + kRankChunk] of the expert, zero past N and R.
    __device__ __forceinline__ void load_lora_b(int r0, u32 shared) const {
        const u16 *b = static_cast<const u16 *>(p.lora_b) +
                       (u64(block.expert) * u32(p.n) + block.n0) * u32(p.rank);
        const bool aligned = p.rank % 8 == 0;
        for_my_chunks<kBlockN, kRankChunk / 8>([&](u32 row, u32 chunk, int) {
            const int r = r0 + int(chunk) * 8;
            const u16 *source = b + u64(row) * u32(p.rank) + r;
            const bool row_valid = block.n0 + int(row) < p.n;
            const u32 target = shared + (row * kBStride + chunk * 8) * 2;
            if (aligned)
                ptx::cp_async_16(target, source, row_valid && r < p.rank);
            else
                ptx::store_shared_16(target, gather_8(source, row_valid, r, p.rank));
        });
    }
};

// ---- Shared -> registers -> tensor cores
// ---------------------------------------------------------

// Where this thread stands in its warp's part of the tile.
struct Lane {
    u32 lane, warp_m, warp_n;
    u32 x_offset,
        x_chunk; // of ldmatrix in a stage: byte offset of the row, and swizzled chunk at step 0
    u32 w_offset, w_chunk;
    u32 b_offset, b_chunk; // of B in a stage of the extra depth
    u32 a_offset, a_chunk;

    __device__ __forceinline__ Lane() {
        lane = threadIdx.x % 32;
        const u32 warp = threadIdx.x / 32;
        warp_m = warp / kWarpsN;
        warp_n = warp % kWarpsN;
        // Operand a and a [K, N] tile: matrices are (rows 0-7, first chunk), (rows 8-15, first
        // chunk), (0-7, second), (8-15, second).
        const u32 row = lane % 16, half = lane / 16;
        // A tile whose rows are columns of the product: (rows 0-7, k 0-7), (0-7, k 8-15), (8-15, k
        // 0-7) ...
        const u32 column = lane % 8 + lane / 16 * 8, k_half = lane / 8 % 2;

        x_offset = (warp_m * kWarpRows + row) * kKChunks * 16;
        x_chunk = half ^ swizzle<kKChunks>(row);
        const u32 k_major = kXBytes + (warp_n * kWarpColumns + column) * kKChunks * 16;
        const u32 k_major_chunk = k_half ^ swizzle<kKChunks>(column);
        const u32 n_major = kXBytes + row * kNChunks * 16;
        const u32 n_major_chunk = (warp_n * kWarpColumns / 8 + half) ^ swizzle<kNChunks>(row);
        w_offset = kWTransposed ? k_major : n_major;
        w_chunk = kWTransposed ? k_major_chunk : n_major_chunk;
        b_offset = kBTransposed ? n_major : k_major;
        b_chunk = kBTransposed ? n_major_chunk : k_major_chunk;
        a_offset = kXBytes + kWBytes + (warp_n * kXaTiles * 8 + column) * kKChunks * 16;
        a_chunk = k_half ^ swizzle<kKChunks>(column);
    }
};

// The operands of one k-step of a warp. Chunk indices are powers-of-two fields, so that adding a
// step or a column pair to one is an XOR with a constant, before or after the swizzle.
struct Fragments {
    u32 x[kMTiles][4];
    u32 w[kNTiles / 2][4]; // two 8-column tiles each: {b0, b1} of the first, {b0, b1} of the second
    u32 a[max_of(kXaTiles, 1)][2];

    __device__ __forceinline__ void load(const Lane &at, u32 stage, int step) {
        load_x(at, stage, step);
        load_w<kWTransposed>(stage + at.w_offset, at.w_chunk, step);
        if constexpr (kLora)
            load_a(stage + at.a_offset + ((at.a_chunk ^ 2 * step) << 4));
    }

    // Of a stage that holds XA and B.
    __device__ __forceinline__ void load_extra(const Lane &at, u32 stage, int step) {
        load_x(at, stage, step);
        load_w<!kBTransposed>(stage + at.b_offset, at.b_chunk, step);
    }

    __device__ __forceinline__ void load_x(const Lane &at, u32 stage, int step) {
#pragma unroll
        for (int m = 0; m < kMTiles; ++m)
            ptx::ldmatrix_x4(x[m], stage + at.x_offset + m * 16 * kKChunks * 16 +
                                       ((at.x_chunk ^ 2 * step) << 4));
    }

    template <bool kRowsAlongK>
    __device__ __forceinline__ void load_w(u32 address, u32 chunk, int step) {
#pragma unroll
        for (int pair = 0; pair < kNTiles / 2; ++pair) {
            if constexpr (kRowsAlongK)
                ptx::ldmatrix_x4(w[pair],
                                 address + pair * 16 * kKChunks * 16 + ((chunk ^ 2 * step) << 4));
            else
                ptx::ldmatrix_x4_trans(w[pair], address + step * 16 * kNChunks * 16 +
                                                    ((chunk ^ 2 * pair) << 4));
        }
    }

    __device__ __forceinline__ void load_a(u32 address) {
#pragma unroll
        for (int tile = 0; tile < kXaTiles; ++tile, address += 8 * kKChunks * 16) {
            if (tile % 2 == 0 && tile + 1 < kXaTiles) {
                u32 both[4];
                ptx::ldmatrix_x4(both, address);
                a[tile][0] = both[0], a[tile][1] = both[1];
                a[tile + 1][0] = both[2], a[tile + 1][1] = both[3];
            } else if (tile % 2 == 0) {
                ptx::ldmatrix_x2(a[tile][0], a[tile][1], address);
            }
        }
    }
};

struct Accumulators {
    float y[kMTiles][kNTiles][4];
    float xa[kMTiles][max_of(kXaTiles, 1)][4];

    __device__ __forceinline__ Accumulators() {
#pragma unroll
        for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
            for (int i = 0; i < kNTiles * 4; ++i)
                y[m][i / 4][i % 4] = 0;
#pragma unroll
            for (int i = 0; i < kXaTiles * 4; ++i)
                xa[m][i / 4][i % 4] = 0;
        }
    }

    __device__ __forceinline__ void add(const Fragments &f) {
#pragma unroll
        for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
            for (int n = 0; n < kNTiles; ++n)
                mma(y[m][n], f.x[m], f.w[n / 2][n % 2 * 2], f.w[n / 2][n % 2 * 2 + 1]);
#pragma unroll
            for (int n = 0; n < kXaTiles; ++n)
                mma(xa[m][n], f.x[m], f.a[n][0], f.a[n][1]);
        }
    }

    __device__ __forceinline__ void scale_y(float scaling) {
#pragma unroll
        for (int m = 0; m < kMTiles; ++m)
#pragma unroll
            for (int i = 0; i < kNTiles * 4; ++i)
                y[m][i / 4][i % 4] *= scaling;
    }
};

__device__ __forceinline__ u32 next_stage(u32 stage) {
    return stage + 1 == kStages ? 0 : stage + 1;
}

// The first tiles of the ring: y = scaling * XA*B^T. Few k-steps, so that none is fetched ahead.
__device__ __forceinline__ void extra_loop(const Loader &loader, const Lane &at, u32 ring,
                                           int tiles, Accumulators &accumulators) {
#pragma unroll 1
    for (int i = 0; i < kExtraTiles; ++i) {
        const u32 stage = i % kStages, fill = (i + kStages - 1) % kStages;
        if (i + kStages - 1 < tiles)
            loader.load_tile(i + kStages - 1, ring + fill * kStageBytes);
        ptx::cp_async_commit();
        const int steps = min(kSteps, kExtraRank / 16 - i * kSteps);
        Fragments fragments;
#pragma unroll 1
        for (int step = 0; step < steps; ++step) {
            fragments.load_extra(at, ring + stage * kStageBytes, step);
            accumulators.add(fragments);
        }
        ptx::cp_async_wait<kStages - 2>();
        __syncthreads();
    }
    accumulators.scale_y(loader.p.scaling);
}

// The pipelined loop over k. At step 0 of iteration i the copy of k-tile i + kStages - 1 starts,
// into the stage that held k-tile i - 1: every warp has read that one before the barrier of
// iteration i - 1. One group is committed an iteration, empty ones at the end, so that at most
// kStages - 2 pending groups means that k-tile i + 1 has arrived.
__device__ __forceinline__ void main_loop(const Loader &loader, const Lane &at, u32 ring,
                                          u32 lora_b, Accumulators &accumulators) {
    const int tiles = kExtraTiles + (loader.p.k + kBlockK - 1) / kBlockK;
    if constexpr (kLora)
        loader.load_lora_b(0, lora_b); // travels with the first group
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) {
        if (i < tiles)
            loader.load_tile(i, ring + i * kStageBytes);
        ptx::cp_async_commit();
    }
    ptx::cp_async_wait<kStages - 2>();
    __syncthreads();

    if constexpr (kExtraTiles > 0)
        extra_loop(loader, at, ring, tiles, accumulators);
    Fragments fragments[2];
    u32 stage = kExtraTiles % kStages, fill = (kExtraTiles + kStages - 1) % kStages;
    fragments[0].load(at, ring + stage * kStageBytes, 0);
#pragma unroll 1
    for (int i = kExtraTiles; i < tiles; ++i) {
        const u32 next = next_stage(stage);
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
            if (step == 0) {
                if (i + kStages - 1 < tiles)
                    loader.load_stage((i + kStages - 1 - kExtraTiles) * kBlockK,
                                      ring + fill * kStageBytes);
                ptx::cp_async_commit();
            }
            if (step == kSteps - 1) {
                ptx::cp_async_wait<kStages - 2>();
                __syncthreads();
                // After the last k-tile this reads a stale stage, and the values are not used.
                fragments[(step + 1) % 2].load(at, ring + next * kStageBytes, 0);
            } else {
                fragments[(step + 1) % 2].load(at, ring + stage * kStageBytes, step + 1);
            }
            accumulators.add(fragments[step % 2]);
        }
        if constexpr (kSteps % 2 == 1)
            fragments[0] = fragments[1];
        fill = stage;
        stage = next;
    }
    ptx::cp_async_wait<0>();
    __syncthreads(); // the stale read is over too: the ring's memory may be used again
}

// ---- NF4
// -----------------------------------------------------------------------------------------------

// The order in which k is summed is free, as long as X and W agree: lane t of four has kNf4Span / 4
// neighbouring k of a span, so that its nibbles of a row are one load. Word w of them, 8 nibbles, is
// two mma steps: the pairs of k that it holds stand where the fragments want k = 2t and 2t + 8.

// Where the nibbles and scales of this block's columns begin.
struct Nf4Source {
    const unsigned char *packed; // row 0 of the tile
    u64 first;                   // index of its first value among all experts' values

    __device__ __forceinline__ Nf4Source(const Scatter2ScatterParams &p, const Block &block)
        : first(u64(block.expert) * u32(p.k_w) * u32(p.n_w) + u64(block.n0) * u32(p.k_w)) {
        packed = static_cast<const unsigned char *>(p.w) + first / 2;
    }

    __device__ __forceinline__ void load(const Scatter2ScatterParams &p, const Block &block, int k0,
                                         u32 shared) const {
        for_my_chunks<kBlockN, kNf4Chunks>([&](u32 row, u32 chunk, int) {
            const int k = k0 + int(chunk) * 32;
            ptx::cp_async_16(shared + nf4_w_offset(row, chunk),
                             packed + (u64(row) * u32(p.k_w) + u32(k)) / 2,
                             block.n0 + int(row) < p.n_w && k < p.k_w);
        });
    }
};

// A thread's share of a stage's absmax: fetched a stage's time before it is needed.
struct Nf4Scales {
    static constexpr int kCount = (kBlockN * kNf4Spans + kThreads - 1) / kThreads;
    float absmax[kCount];

    // The two roundings of the nested form are the published ones: never one fused multiply-add.
    __device__ __forceinline__ void fetch(const Scatter2ScatterParams &p, const Block &block,
                                          const Nf4Source &source, int k0) {
        for_my_chunks<kBlockN, kNf4Spans>([&](u32 row, u32 span, int i) {
            const int k = k0 + int(span) * kNf4Span;
            absmax[i] = 0; // of values that are none: X is 0 there, or Y is not written
            if (block.n0 + int(row) < p.n_w && k < p.k_w) {
                const u64 at = (source.first + u64(row) * u32(p.k_w) + u32(k)) >> p.nf4.block_shift;
                if constexpr (kNf4Nested)
                    absmax[i] = __fadd_rn(__fmul_rn(p.nf4.nested_code[p.nf4.absmax_u8[at]],
                                                    p.nf4.nested_absmax[at >> p.nf4.nested_shift]),
                                          p.nf4.nested_offset);
                else
                    absmax[i] = p.nf4.absmax[at];
            }
        });
    }

    __device__ __forceinline__ void store(u32 shared) const {
        for_my_chunks<kBlockN, kNf4Spans>([&](u32 row, u32 span, int i) {
            ptx::store_shared_4(shared + (span * kBlockN + row) * 4, __float_as_uint(absmax[i]));
        });
    }
};

// Both codes of every byte, rounded to the input type, once for every lane: entry b of lane l lies
// in the lane's own bank, so that 32 lanes reading 32 different bytes never conflict. The even value
// of a byte is its high nibble.
__device__ __forceinline__ void fill_nf4_table(const float *code, u32 table) {
    for (int i = threadIdx.x; i < 256 * 8; i += kThreads) {
        const float even = code[i / 8 / 16], odd = code[i / 8 % 16];
        const u32 pair = MS_BF16 ? ptx::bf16_pair_from_floats(even, odd)
                                 : ptx::f16_pair_from_floats(even, odd);
        ptx::store_shared_16(table + i * 16, make_uint4(pair, pair, pair, pair));
    }
}

// What a lane needs to turn its nibbles of a span into operands.
struct Nf4Columns {
    u32 pairs[kNTiles][kNf4Words][4];
    float absmax[kNTiles][2]; // of the two columns whose sums the lane holds

    __device__ __forceinline__ void load(const Lane &at, const unsigned char *table, u32 stage,
                                         int span) {
        const u32 part = at.lane % 4, lane_bytes = at.lane * 4;
        u32 words[kNTiles][kNf4Words];
#pragma unroll
        for (int n = 0; n < kNTiles; ++n) {
            const u32 column = at.warp_n * kWarpColumns + n * 8;
            const u32 byte = part * kNf4Words * 4; // within the span
            ptx::load_shared(words[n], stage + kXBytes + byte % 16 +
                                           nf4_w_offset(column + at.lane / 4,
                                                        span * kNf4Words + byte / 16));
            u32 scales[2];
            ptx::load_shared(scales, stage + kXBytes + kNf4Bytes +
                                         (span * kBlockN + column + part * 2) * 4);
            absmax[n][0] = __uint_as_float(scales[0]);
            absmax[n][1] = __uint_as_float(scales[1]);
        }
#pragma unroll
        for (int n = 0; n < kNTiles; ++n)
#pragma unroll
            for (int w = 0; w < kNf4Words; ++w)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const u32 word = words[n][w];
                    const u32 entry = (i == 0 ? word << 7 : word >> (8 * i - 7)) & 0x7f80u;
                    pairs[n][w][i] = *reinterpret_cast<const u32 *>(table + (entry | lane_bytes));
                }
    }
};

// y += one span of X*W. Groups of 16 rows past the tile's last are left out.
__device__ __forceinline__ void add_nf4_span(const Lane &at, u32 stage, int span, int row_groups,
                                             const Nf4Columns &columns,
                                             Accumulators &accumulators) {
    const u32 row = at.warp_m * kWarpRows + at.lane / 4;
    const u32 chunk = span * (kNf4Span / 8) + at.lane % 4 * kNf4Words;
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
        if (m >= row_groups)
            break;
        float sums[kNTiles][4];
#pragma unroll
        for (int i = 0; i < kNTiles * 4; ++i)
            sums[i / 4][i % 4] = 0;
#pragma unroll
        for (int w = 0; w < kNf4Words; ++w) {
            u32 upper[4], lower[4];
            ptx::load_shared(upper, stage + nf4_x_offset(row + m * 16, chunk + w));
            ptx::load_shared(lower, stage + nf4_x_offset(row + m * 16 + 8, chunk + w));
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const u32 x[4] = {upper[2 * half], lower[2 * half], upper[2 * half + 1],
                                  lower[2 * half + 1]};
#pragma unroll
                for (int n = 0; n < kNTiles; ++n)
                    mma(sums[n], x, columns.pairs[n][w][2 * half],
                        columns.pairs[n][w][2 * half + 1]);
            }
        }
#pragma unroll
        for (int n = 0; n < kNTiles; ++n)
#pragma unroll
            for (int i = 0; i < 4; ++i)
                accumulators.y[m][n][i] += sums[n][i] * columns.absmax[n][i % 2];
    }
}

// y = scaling * XA*B^T, one tile after another: the ring holds no tile of NF4 yet.
__device__ __forceinline__ void nf4_extra_loop(const Loader &loader, const Lane &at, u32 ring,
                                               Accumulators &accumulators) {
#pragma unroll 1
    for (int i = 0; i < kExtraTiles; ++i) {
        loader.load_extra(i * kBlockK, ring);
        ptx::cp_async_commit();
        ptx::cp_async_wait<0>();
        __syncthreads();
        const int steps = min(kSteps, kExtraRank / 16 - i * kSteps);
        Fragments fragments;
#pragma unroll 1
        for (int step = 0; step < steps; ++step) {
            fragments.load_extra(at, ring, step);
            accumulators.add(fragments);
        }
        __syncthreads();
    }
    accumulators.scale_y(loader.p.scaling);
}

// As main_loop: the copy of k-tile i + kStages - 1 starts in iteration i, into the stage that held
// k-tile i - 1. Its scales, which may need a table, are fetched to registers first and stored at the
// iteration's end.
__device__ __forceinline__ void nf4_main_loop(const Loader &loader, const Lane &at, u32 ring,
                                              const unsigned char *table,
                                              Accumulators &accumulators) {
    const Scatter2ScatterParams &p = loader.p;
    const int tiles = (p.k + kBlockK - 1) / kBlockK;
    const int row_groups = (loader.block.rows - int(at.warp_m) * kWarpRows + 15) / 16;
    const Nf4Source source(p, loader.block);
    Nf4Scales scales;
    const auto load = [&](int tile, u32 stage) {
        loader.x.load(p, tile * kBlockK, stage);
        source.load(p, loader.block, tile * kBlockK, stage + kXBytes);
        scales.fetch(p, loader.block, source, tile * kBlockK);
    };
    fill_nf4_table(p.nf4.code, ptx::shared_address(table));
    if constexpr (kExtraTiles > 0)
        nf4_extra_loop(loader, at, ring, accumulators);
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) {
        if (i < tiles) {
            load(i, ring + i * kNf4StageBytes);
            scales.store(ring + i * kNf4StageBytes + kXBytes + kNf4Bytes);
        }
        ptx::cp_async_commit();
    }
    ptx::cp_async_wait<kStages - 2>();
    __syncthreads();

    u32 stage = 0, fill = kStages - 1;
#pragma unroll 1
    for (int i = 0; i < tiles; ++i) {
        const bool more = i + kStages - 1 < tiles;
        if (more)
            load(i + kStages - 1, ring + fill * kNf4StageBytes);
        ptx::cp_async_commit();
#pragma unroll
        for (int span = 0; span < kNf4Spans; ++span) {
            Nf4Columns columns;
            columns.load(at, table, ring + stage * kNf4StageBytes, span);
            add_nf4_span(at, ring + stage * kNf4StageBytes, span, row_groups, columns,
                         accumulators);
        }
        if (more)
            scales.store(ring + fill * kNf4StageBytes + kXBytes + kNf4Bytes);
        ptx::cp_async_wait<kStages - 2>();
        __syncthreads();
        fill = stage;
        stage = next_stage(stage);
    }
    ptx::cp_async_wait<0>();
    __syncthreads();
}

// ---- LoRA after the loop
// -------------------------------------------------------------------------

__device__ __forceinline__ void store_xa(const Lane &at, const Accumulators &accumulators,
                                         unsigned char *xa) {
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
        for (int n = 0; n < kXaTiles; ++n) {
            const u32 row = at.warp_m * kWarpRows + m * 16 + at.lane / 4;
            const u32 column = (at.warp_n * kXaTiles + n) * 8 + at.lane % 4 * 2;
            const float(&v)[4] = accumulators.xa[m][n];
            if (int(column) < kRank) {
                *reinterpret_cast<u32 *>(xa + (row * kXaStride + column) * 2) =
                    narrow_pair(v[0], v[1]);
                *reinterpret_cast<u32 *>(xa + ((row + 8) * kXaStride + column) * 2) =
                    narrow_pair(v[2], v[3]);
            }
        }
    }
}

// The rows of XA that this block has, for whoever wants to keep them.
__device__ __forceinline__ void write_xa(const Scatter2ScatterParams &p, const Block &block,
                                         const unsigned char *xa) {
    const int chunks = p.xa_columns / 8;
    for (int i = threadIdx.x; i < block.rows * chunks; i += kThreads) {
        const int row = i / chunks, chunk = i % chunks;
        static_cast<uint4 *>(p.xa)[u64(block.row_begin + row) * u32(chunks) + chunk] =
            *reinterpret_cast<const uint4 *>(xa + (row * kXaStride + chunk * 8) * 2);
    }
}

// y += scaling * XA[:, r0 ..] * B[:, r0 ..]^T over one chunk of the rank.
__device__ __forceinline__ void add_lora_chunk(const Lane &at, float scaling, u32 xa, u32 b, int r0,
                                               Accumulators &accumulators) {
    constexpr int kChunkSteps = kRankChunk / 16;
    const u32 row = at.warp_m * kWarpRows + at.lane % 16, half = at.lane / 16;
    const u32 column = at.warp_n * kWarpColumns + at.lane % 8 + at.lane / 16 * 8,
              k_half = at.lane / 8 % 2;
    u32 x[kChunkSteps][kMTiles][4];
#pragma unroll
    for (int step = 0; step < kChunkSteps; ++step)
        if (kRank % kRankChunk == 0 || r0 + step * 16 < kRank)
#pragma unroll
            for (int m = 0; m < kMTiles; ++m)
                ptx::ldmatrix_x4(x[step][m],
                                 xa + ((row + m * 16) * kXaStride + r0 + step * 16 + half * 8) * 2);
#pragma unroll
    for (int pair = 0; pair < kNTiles / 2; ++pair) {
        float product[kMTiles][2][4] = {};
#pragma unroll
        for (int step = 0; step < kChunkSteps; ++step) {
            if (kRank % kRankChunk == 0 || r0 + step * 16 < kRank) {
                u32 w[4];
                ptx::ldmatrix_x4(w, b + ((column + pair * 16) * kBStride + step * 16 + k_half * 8) *
                                            2);
#pragma unroll
                for (int m = 0; m < kMTiles; ++m) {
                    mma(product[m][0], x[step][m], w[0], w[1]);
                    mma(product[m][1], x[step][m], w[2], w[3]);
                }
            }
        }
#pragma unroll
        for (int m = 0; m < kMTiles; ++m)
#pragma unroll
            for (int i = 0; i < 8; ++i)
                accumulators.y[m][2 * pair + i / 4][i % 4] += scaling * product[m][i / 4][i % 4];
    }
}

__device__ __forceinline__ void add_lora(const Loader &loader, const Lane &at, unsigned char *xa,
                                         u32 lora_b, Accumulators &accumulators) {
    store_xa(at, accumulators, xa);
    __syncthreads();
    if (loader.p.xa && loader.block.n0 == 0)
        write_xa(loader.p, loader.block, xa);
#pragma unroll 1
    for (int r0 = 0; r0 < kRank; r0 += kRankChunk) {
        if (r0 > 0) { // the first chunk came with the ring's first stage
            loader.load_lora_b(r0, lora_b);
            ptx::cp_async_commit();
            ptx::cp_async_wait<0>();
            __syncthreads();
        }
        add_lora_chunk(at, loader.p.scaling, ptx::shared_address(xa), lora_b, r0, accumulators);
        __syncthreads();
    }
}

// ---- Registers -> shared -> global
// ---------------------------------------------------------------

__device__ __forceinline__ void add_bias(const Scatter2ScatterParams &p, const Block &block,
                                         const Lane &at, Accumulators &accumulators) {
    const u16 *bias = static_cast<const u16 *>(p.bias) + u64(block.expert) * u32(p.n);
#pragma unroll
    for (int n = 0; n < kNTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const int column =
                block.n0 + int(at.warp_n) * kWarpColumns + n * 8 + int(at.lane) % 4 * 2 + i;
            const float value = column < p.n ? widen(bias[column]) : 0;
#pragma unroll
            for (int m = 0; m < kMTiles; ++m) {
                accumulators.y[m][n][i] += value;
                accumulators.y[m][n][i + 2] += value;
            }
        }
    }
}

#if MS_OUT_F32
using Output = float;
__device__ __forceinline__ float load_output(float value) { return value; }
__device__ __forceinline__ float to_output(float value) { return value; }
#else
using Output = u16;
__device__ __forceinline__ float load_output(u16 value) { return widen(value); }
__device__ __forceinline__ u16 to_output(float value) { return narrow(value); }
#endif

// 8 neighbouring values of a row of y: as 16-byte vectors, or one by one.
struct alignas(16) OutputVector {
    Output v[8];
};

__device__ __forceinline__ void store_8(const Scatter2ScatterParams &p, Output *target,
                                        const float (&values)[8], int columns) {
    if (p.vector_stores && columns >= 8) {
        OutputVector out;
        if constexpr (MS_ACCUMULATE)
            out = *reinterpret_cast<const OutputVector *>(target);
#pragma unroll
        for (int i = 0; i < 8; ++i)
            out.v[i] = to_output(MS_ACCUMULATE ? load_output(out.v[i]) + p.scaling * values[i]
                                               : values[i]);
        *reinterpret_cast<OutputVector *>(target) = out;
        return;
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
        if (i < columns)
            target[i] = to_output(MS_ACCUMULATE ? load_output(target[i]) + p.scaling * values[i]
                                                : values[i]);
}

// Each warp turns its rows around in its own 16-row strip of shared memory.
__device__ __forceinline__ void write_output(const Scatter2ScatterParams &p, const Block &block,
                                             const Lane &at, const int *slot_of_row,
                                             unsigned char *staging,
                                             const Accumulators &accumulators) {
    constexpr int kRowChunks = kWarpColumns / 8;
    float *strip = reinterpret_cast<float *>(staging) +
                   (at.warp_m * kWarpsN + at.warp_n) * 16 * kStagingStride;
#pragma unroll
    for (int m = 0; m < kMTiles; ++m) {
#pragma unroll
        for (int n = 0; n < kNTiles; ++n) {
            float *cell = strip + at.lane / 4 * kStagingStride + n * 8 + at.lane % 4 * 2;
            const float(&v)[4] = accumulators.y[m][n];
            *reinterpret_cast<float2 *>(cell) = make_float2(v[0], v[1]);
            *reinterpret_cast<float2 *>(cell + 8 * kStagingStride) = make_float2(v[2], v[3]);
        }
        __syncwarp();
#pragma unroll
        for (int i = 0; i < 16 * kRowChunks / 32; ++i) {
            const int index = int(at.lane) + i * 32;
            const int strip_row = index / kRowChunks, chunk = index % kRowChunks;
            const int row = int(at.warp_m) * kWarpRows + m * 16 + strip_row;
            const int column = block.n0 + int(at.warp_n) * kWarpColumns + chunk * 8;
            if (row < block.rows && column < p.n) {
                const float4 *source = reinterpret_cast<const float4 *>(
                    strip + strip_row * kStagingStride + chunk * 8);
                const float4 low = source[0], high = source[1];
                const float values[8] = {low.x,  low.y,  low.z,  low.w,
                                         high.x, high.y, high.z, high.w};
                const long long y_row = p.y_grouped ? block.row_begin + row : slot_of_row[row];
                store_8(p, static_cast<Output *>(p.y) + y_row * p.y_stride + column, values,
                        p.n - column);
            }
        }
        __syncwarp();
    }
}

} // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    MS_KERNEL_NAME(const __grid_constant__ Scatter2ScatterParams p) {
    extern __shared__ __align__(128) unsigned char shared[];
    if (p.early_next)
        ptx::launch_dependents();
    Block block;
    if (!find_block(p, block))
        return;

    int *slot_of_row = reinterpret_cast<int *>(shared);
    if (!p.x_grouped || !p.y_grouped) {
        for (int row = threadIdx.x; row < block.rows; row += kThreads)
            slot_of_row[row] = p.sorted_slots[block.row_begin + row];
        __syncthreads();
    }

    const Loader loader(p, block, slot_of_row);
    const Lane at;
    Accumulators accumulators;
    const u32 lora_b = ptx::shared_address(shared + kRowTableBytes);
    if constexpr (kNf4)
        nf4_main_loop(loader, at, ptx::shared_address(shared + kRingOffset),
                      shared + kRowTableBytes, accumulators);
    else
        main_loop(loader, at, ptx::shared_address(shared + kRingOffset), lora_b, accumulators);
    if constexpr (kLora)
        add_lora(loader, at, shared + kRingOffset, lora_b, accumulators);
    if (p.bias)
        add_bias(p, block, at, accumulators);
    write_output(p, block, at, slot_of_row, shared + kRingOffset, accumulators);
}
