// The gradients of LoRA's matrices, on tensor cores (sm_80 and newer): D = scaling * V^T Z over the
// rows of one expert, where V is YB or XA (as wide as the rank) and Z is X or dY. A block takes some
// columns of Z and one chunk of the expert's rows, and streams them: Z is read once, and is nearly
// all that is read. The host defines (lora_grad_plan.h) MS_KERNEL_NAME, MS_BF16, MS_OUT_F32,
// MS_BLOCK_COLUMNS, MS_BLOCK_ROWS, MS_WARPS_R, MS_WARPS_N, MS_STAGES, MS_RANK_PADDED, MS_MODE and
// MS_DYNAMIC_SMEM.
//
// An expert of few rows is one chunk, whose sums are the result. The sums of the chunks of a longer
// one go to the workspace, and a second kernel adds them in their order: the same bits every time.
// With MS_MODE 2 every chunk adds its sums to the result by atomicAdd instead, in no order.
#include "lora_grad_params.jit.cuh"
#include "ptx.jit.cuh"

namespace {

using ptx::u16;
using ptx::u32;
using ptx::u64;

constexpr bool kRecompute = MS_MODE == 1;
constexpr bool kAtomic = MS_MODE == 2; // 0: gram; 3: the reducing kernel

constexpr int kColumns = MS_BLOCK_COLUMNS;
constexpr int kRows = MS_BLOCK_ROWS; // a stage
constexpr int kWarpsN = MS_WARPS_N;
constexpr int kWarps = MS_WARPS_R * MS_WARPS_N;
constexpr int kThreads = 32 * kWarps;
constexpr int kStages = MS_STAGES;
constexpr int kRank = MS_RANK_PADDED; // a multiple of 16

constexpr int kWarpColumns = kColumns / kWarpsN;
constexpr int kNTiles = kWarpColumns / 8;
constexpr int kRTiles = (kRank / 16 + MS_WARPS_R - 1) / MS_WARPS_R; // of 16, a warp
constexpr int kVColumns = kRTiles * MS_WARPS_R * 16;
constexpr int kVStride = kVColumns + 8; // elements: an odd number of 16-byte chunks
constexpr int kChunks = kColumns / 8;   // 16-byte chunks a row of Z
static_assert(kWarpColumns % 16 == 0 && kRows % 16 == 0 && kRank % 16 == 0);

__host__ __device__ constexpr int round_up_128(int bytes) { return (bytes + 127) / 128 * 128; }
__host__ __device__ constexpr int max_of(int a, int b) { return a > b ? a : b; }

constexpr int kZBytes = kRows * kColumns * 2;
constexpr int kStageBytes = kZBytes + round_up_128(kRows * kVStride * 2);
constexpr int kStripStride = kWarpColumns + 8; // floats
constexpr int kStripBytes = 16 * kStripStride * 4;

// Recompute: V of a stage's rows is made from tiles of the other matrix and of LoRA's, of which each
// warp multiplies some of the depth.
constexpr int kDepth = 128;
constexpr int kOtherStride = kDepth + 8;
constexpr int kOtherBytes = kRows * kOtherStride * 2;
constexpr int kLoraBytes = round_up_128(max_of(kVColumns * kOtherStride, kDepth * kVStride) * 2);
constexpr int kMakeBytes = kRecompute ? kOtherBytes + kLoraBytes : 0;

static_assert(MS_MODE == 3 || max_of(kStages * kStageBytes + kMakeBytes, kWarps * kStripBytes) ==
                                  MS_DYNAMIC_SMEM,
              "the host computes the same layout");
static_assert(MS_DYNAMIC_SMEM >= (kThreads + 4) * 4, "room to look for the chunk");

// ---- Numbers
// -------------------------------------------------------------------------------------

__device__ __forceinline__ u16 narrow(float value) {
    return MS_BF16 ? ptx::bf16_from_float(value) : ptx::f16_from_float(value);
}
__device__ __forceinline__ void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    if constexpr (MS_BF16)
        ptx::mma_bf16(d, a, b0, b1);
    else
        ptx::mma_f16(d, a, b0, b1);
}

#if MS_OUT_F32
using Output = float;
__device__ __forceinline__ float to_output(float value) { return value; }
#else
using Output = u16;
__device__ __forceinline__ u16 to_output(float value) { return narrow(value); }
#endif

// ---- Which rows, which columns
// ----------------------------------------------------------------------------------

struct Chunk {
    int expert = -1; // none
    int index = 0;
    int count = 1; // of the expert
    int first_extra = 0; // the number of the expert's second chunk among all experts' further ones
    int begin = 0; // first sorted position
    int rows = 0;
};

__device__ __forceinline__ int chunks_of(const LoraGradParams &p, int rows) {
    return max_of(1, int((u32(rows) + u32(p.chunk_rows) - 1) / u32(p.chunk_rows)));
}
__device__ __forceinline__ int rows_of(const LoraGradParams &p, int expert) {
    return p.offsets[expert + 1] - p.offsets[expert];
}

// Chunks beyond the first are numbered expert by expert. Finds the one with number `extra`, or, with
// extra < 0, where those of chunk.expert begin. Every thread of the block calls it; scratch holds
// kThreads + 4 words.
__device__ __forceinline__ void find_extra(const LoraGradParams &p, int extra, int *scratch,
                                           Chunk &chunk) {
    const int share = (p.experts + kThreads - 1) / kThreads;
    const int first = min(int(threadIdx.x) * share, p.experts);
    const int last = min(first + share, p.experts);
    int mine = 0;
    for (int e = first; e < last; ++e)
        mine += chunks_of(p, rows_of(p, e)) - 1;
    scratch[threadIdx.x] = mine;
    if (threadIdx.x == 0)
        scratch[kThreads] = -1;
    __syncthreads();
    int before = 0;
    for (int i = 0; i < int(threadIdx.x); ++i)
        before += scratch[i];
    const bool here = extra >= 0 ? extra >= before && extra < before + mine
                                 : chunk.expert >= first && chunk.expert < last;
    if (here) {
        int e = first;
        for (; e < last; ++e) {
            const int further = chunks_of(p, rows_of(p, e)) - 1;
            if (extra >= 0 ? extra < before + further : e == chunk.expert)
                break;
            before += further;
        }
        scratch[kThreads] = e;
        scratch[kThreads + 1] = before;
    }
    __syncthreads();
    chunk.expert = scratch[kThreads];
    if (chunk.expert >= 0) {
        chunk.first_extra = scratch[kThreads + 1];
        if (extra >= 0)
            chunk.index = 1 + extra - chunk.first_extra;
    }
    __syncthreads(); // scratch may be used again
}

// Unit u is the first chunk of expert u, or a further chunk.
__device__ __forceinline__ Chunk find_chunk(const LoraGradParams &p, int unit, int *scratch) {
    Chunk chunk;
    if (unit < p.experts)
        chunk.expert = unit;
    else
        find_extra(p, unit - p.experts, scratch, chunk);
    if (chunk.expert < 0)
        return chunk;
    const int rows = rows_of(p, chunk.expert);
    chunk.count = chunks_of(p, rows);
    const int size = int(((u32(rows) + u32(chunk.count) - 1) / u32(chunk.count) + 15) / 16 * 16);
    const int begin = int(min(u32(chunk.index) * u32(size), u32(rows)));
    chunk.begin = p.offsets[chunk.expert] + begin;
    chunk.rows = min(size, rows - begin);
    if (!kAtomic && unit < p.experts && chunk.count > 1)
        find_extra(p, -1, scratch, chunk);
    return chunk;
}

// Where the sums of a chunk of a long expert stand in the workspace.
__device__ __forceinline__ u64 partial_slot(const LoraGradParams &p, const Chunk &chunk) {
    return chunk.index == 0 ? u64(u32(p.most_extra + chunk.first_extra))
                            : u64(u32(chunk.first_extra + chunk.index - 1));
}
__device__ __forceinline__ u64 partial_length(const LoraGradParams &p) {
    return u64(u32(p.rank)) * u32(p.da.columns + p.db.columns);
}

// ---- Global -> shared
// ----------------------------------------------------------------------------

template <int kTileRows, int kRowChunks, class Body>
__device__ __forceinline__ void for_my_chunks(Body body) {
    constexpr int kTotal = kTileRows * kRowChunks;
#pragma unroll
    for (int i = 0; i < (kTotal + kThreads - 1) / kThreads; ++i) {
        const u32 index = threadIdx.x + i * kThreads;
        if (kTotal % kThreads == 0 || int(index) < kTotal)
            body(index / kRowChunks, index % kRowChunks, i);
    }
}

// Where the row that belongs to a sorted position begins, in chunks of 16 bytes.
__device__ __forceinline__ u32 row_start(const LoraGradParams &p, const LoraGradRows &rows,
                                         int position) {
    u32 row = u32(position);
    if (rows.shift > 0)
        row = u32((u64(u32(p.sorted_slots[position])) * rows.multiplier) >> rows.shift);
    return row * rows.stride_16b;
}

// Z's 16-byte chunks are swizzled by the row, so that the 8 rows ldmatrix reads fall on 8 distinct
// bank groups.
constexpr int kSwizzle = kChunks >= 8 ? 7 : kChunks - 1;
__device__ __forceinline__ u32 z_offset(u32 row, u32 chunk) {
    const u32 by = kChunks >= 8 ? row & 7 : (row / (8 / (kChunks < 8 ? kChunks : 8))) & kSwizzle;
    return (row * kChunks + (chunk ^ by)) * 16;
}

// The rows of Z and V that a chunk has, stage by stage. Which row of Z a position means is looked up
// one stage ahead of the copies.
class Loader {
  public:
    __device__ __forceinline__ Loader(const LoraGradParams &params, const LoraGradSide &side,
                                      const Chunk &chunk, int n0)
        : p(params), s(side), chunk_(chunk), n0_(n0) {
        z = static_cast<const uint4 *>(s.z.data) + n0 / 8;
        v = static_cast<const u16 *>(s.v) + u64(u32(chunk.begin)) * u32(p.rank_stride);
        find_rows(0);
    }

    // Stages are loaded in order, each once.
    __device__ __forceinline__ void load(int row0, u32 shared) {
        for_my_chunks<kRows, kChunks>([&](u32 row, u32 chunk, int i) {
            ptx::cp_async_16(shared + z_offset(row, chunk),
                             z + (row_[i] + chunk),
                             row0 + int(row) < chunk_.rows && n0_ + int(chunk) * 8 < s.columns);
        });
        if constexpr (!kRecompute) {
            for_my_chunks<kRows, kVColumns / 8>([&](u32 row, u32 chunk, int) {
                ptx::cp_async_16(shared + kZBytes + (row * kVStride + chunk * 8) * 2,
                                 v + u64(u32(row0) + row) * u32(p.rank_stride) + chunk * 8,
                                 row0 + int(row) < chunk_.rows && int(chunk) * 8 < p.rank_stride);
            });
        }
        find_rows(row0 + kRows);
    }

  private:
    __device__ __forceinline__ void find_rows(int row0) {
        for_my_chunks<kRows, kChunks>([&](u32 row, u32, int i) {
            row_[i] = row0 + int(row) < chunk_.rows
                          ? row_start(p, s.z, chunk_.begin + row0 + int(row))
                          : 0;
        });
    }

    const LoraGradParams &p;
    const LoraGradSide &s;
    const Chunk &chunk_;
    const uint4 *z;
    const u16 *v;
    int n0_;
    u32 row_[(kRows * kChunks + kThreads - 1) / kThreads];
};

// ---- Shared -> registers -> tensor cores
// ---------------------------------------------------------

struct Lane {
    u32 lane, warp_r, warp_n;
    u32 v_offset;         // of ldmatrix in V: row (of the sum) and first rank
    u32 z_row, z_chunk;   // of ldmatrix in Z

    __device__ __forceinline__ Lane() {
        lane = threadIdx.x % 32;
        const u32 warp = threadIdx.x / 32;
        warp_r = warp / kWarpsN;
        warp_n = warp % kWarpsN;
        // V^T is operand a: its matrices are (ranks 0-7, rows 0-7), (8-15, 0-7), (0-7, 8-15), (8-15,
        // 8-15), each read transposed from rows of V.
        const u32 v_row = lane % 8 + lane / 16 * 8, v_rank = lane / 8 % 2 * 8;
        v_offset = kZBytes + (v_row * kVStride + warp_r * kRTiles * 16 + v_rank) * 2;
        z_row = lane % 16;
        z_chunk = warp_n * kWarpColumns / 8 + lane / 16;
    }
};

struct Accumulators {
    float d[kRTiles][kNTiles][4];

    __device__ __forceinline__ Accumulators() {
#pragma unroll
        for (int r = 0; r < kRTiles; ++r)
#pragma unroll
            for (int i = 0; i < kNTiles * 4; ++i)
                d[r][i / 4][i % 4] = 0;
    }

    // The rows of one stage.
    __device__ __forceinline__ void add(const Lane &at, u32 stage) {
#pragma unroll
        for (int step = 0; step < kRows / 16; ++step) {
            u32 z[kNTiles / 2][4];
#pragma unroll
            for (int pair = 0; pair < kNTiles / 2; ++pair)
                ptx::ldmatrix_x4_trans(
                    z[pair], stage + z_offset(at.z_row + step * 16, at.z_chunk + 2 * pair));
#pragma unroll
            for (int r = 0; r < kRTiles; ++r) {
                u32 v[4];
                ptx::ldmatrix_x4_trans(v, stage + at.v_offset + (step * 16 * kVStride + r * 16) * 2);
#pragma unroll
                for (int n = 0; n < kNTiles; ++n)
                    mma(d[r][n], v, z[n / 2][n % 2 * 2], z[n / 2][n % 2 * 2 + 1]);
            }
        }
    }
};

// ---- Recompute: V from the other matrix
// ----------------------------------------------------------------------------------

// V = other * lora over the whole depth, for the rows of one stage, rounded to the input type. For
// dA lora is B [N, R], whose rows run along the rank; for dB it is A [R, K], whose rows run along the
// depth. The warps share out V's 16 x 16 tiles.
class VMaker {
  public:
    __device__ __forceinline__ VMaker(const LoraGradParams &params, const LoraGradSide &side,
                                      const Chunk &chunk, bool lora_along_rank, unsigned char *space)
        : p(params), s(side), chunk_(chunk), along_rank(lora_along_rank),
          other(ptx::shared_address(space)), lora(other + kOtherBytes) {}

    __device__ __forceinline__ void make(int row0, unsigned char *stage) {
        constexpr int kTiles = kRows / 16 * (kVColumns / 16);
        constexpr int kMine = (kTiles + kWarps - 1) / kWarps;
        float sums[kMine][2][4] = {};
#pragma unroll 1
        for (int d0 = 0; d0 < s.depth; d0 += kDepth) {
            __syncthreads(); // the last tiles have been read
            load_other(row0, d0);
            load_lora(d0);
            ptx::cp_async_commit();
            ptx::cp_async_wait<0>();
            __syncthreads();
#pragma unroll
            for (int i = 0; i < kMine; ++i) {
                const int tile = int(threadIdx.x / 32) + i * kWarps;
                if (kTiles % kWarps == 0 || tile < kTiles)
                    multiply(tile, sums[i]);
            }
        }
#pragma unroll
        for (int i = 0; i < kMine; ++i) {
            const int tile = int(threadIdx.x / 32) + i * kWarps;
            if (kTiles % kWarps == 0 || tile < kTiles)
                store(tile, sums[i], stage);
        }
    }

  private:
    __device__ __forceinline__ void load_other(int row0, int d0) {
        for_my_chunks<kRows, kDepth / 8>([&](u32 row, u32 chunk, int) {
            const bool valid = row0 + int(row) < chunk_.rows && d0 + int(chunk) * 8 < s.depth;
            const u32 source =
                valid ? row_start(p, s.other, chunk_.begin + row0 + int(row)) : 0;
            ptx::cp_async_16(other + (row * kOtherStride + chunk * 8) * 2,
                             static_cast<const uint4 *>(s.other.data) +
                                 (source + u32(d0) / 8 + chunk),
                             valid);
        });
    }

    __device__ __forceinline__ void load_lora(int d0) {
        const u16 *matrix =
            static_cast<const u16 *>(s.lora) + u64(u32(chunk_.expert)) * u32(p.rank) * u32(s.depth);
        if (!along_rank) {
            for_my_chunks<kVColumns, kDepth / 8>([&](u32 r, u32 chunk, int) {
                const int d = d0 + int(chunk) * 8;
                ptx::cp_async_16(lora + (r * kOtherStride + chunk * 8) * 2,
                                 matrix + u64(r) * u32(s.depth) + d,
                                 int(r) < p.rank && d < s.depth);
            });
            return;
        }
        for_my_chunks<kDepth, kVColumns / 8>([&](u32 row, u32 chunk, int) {
            const int d = d0 + int(row), r = int(chunk) * 8;
            const u16 *source = matrix + u64(u32(d)) * u32(p.rank) + r;
            const u32 target = lora + (row * kVStride + r) * 2;
            if (p.rank % 8 == 0)
                ptx::cp_async_16(target, source, d < s.depth && r < p.rank);
            else
                ptx::store_shared_16(target, gather_8(source, d < s.depth ? p.rank - r : 0));
        });
    }

    // Up to 8 elements that do not begin at a multiple of 16 bytes.
    __device__ static __forceinline__ uint4 gather_8(const u16 *source, int count) {
        u32 words[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            words[i] = (2 * i < count ? u32(source[2 * i]) : 0) |
                       (2 * i + 1 < count ? u32(source[2 * i + 1]) : 0) << 16;
        return make_uint4(words[0], words[1], words[2], words[3]);
    }

    __device__ __forceinline__ void multiply(int tile, float (&sums)[2][4]) {
        const u32 lane = threadIdx.x % 32;
        const u32 row0 = tile % (kRows / 16) * 16, rank0 = tile / (kRows / 16) * 16;
#pragma unroll
        for (int step = 0; step < kDepth / 16; ++step) {
            u32 a[4], b[4];
            ptx::ldmatrix_x4(
                a, other + ((row0 + lane % 16) * kOtherStride + step * 16 + lane / 16 * 8) * 2);
            if (along_rank)
                ptx::ldmatrix_x4_trans(
                    b, lora + ((step * 16 + lane % 16) * kVStride + rank0 + lane / 16 * 8) * 2);
            else
                ptx::ldmatrix_x4(b, lora + ((rank0 + lane % 8 + lane / 16 * 8) * kOtherStride +
                                            step * 16 + lane / 8 % 2 * 8) *
                                               2);
            mma(sums[0], a, b[0], b[1]);
            mma(sums[1], a, b[2], b[3]);
        }
    }

    __device__ __forceinline__ void store(int tile, const float (&sums)[2][4],
                                          unsigned char *stage) {
        const u32 lane = threadIdx.x % 32;
        const u32 row = tile % (kRows / 16) * 16 + lane / 4,
                  rank = tile / (kRows / 16) * 16 + lane % 4 * 2;
        u16 *v = reinterpret_cast<u16 *>(stage + kZBytes);
#pragma unroll
        for (int i = 0; i < 8; ++i)
            v[(row + i / 2 % 2 * 8) * kVStride + rank + i / 4 * 8 + i % 2] =
                narrow(sums[i / 4][i % 4]);
    }

    const LoraGradParams &p;
    const LoraGradSide &s;
    const Chunk &chunk_;
    const bool along_rank;
    const u32 other, lora;
};

// ---- The loop over rows
// ----------------------------------------------------------------------------------

// At iteration i the copy of stage i + kStages - 1 starts, into the place of stage i - 1, which every
// warp has read before the barrier.
__device__ __forceinline__ void sum_rows(Loader &loader, VMaker *maker, const Lane &at, int rows,
                                         unsigned char *ring, Accumulators &sums) {
    const u32 ring_address = ptx::shared_address(ring);
    const int tiles = (rows + kRows - 1) / kRows;
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) {
        if (i < tiles)
            loader.load(i * kRows, ring_address + i * kStageBytes);
        ptx::cp_async_commit();
    }
    u32 stage = 0, fill = kStages - 1;
#pragma unroll 1
    for (int i = 0; i < tiles; ++i) {
        if constexpr (kRecompute)
            maker->make(i * kRows, ring + stage * kStageBytes);
        ptx::cp_async_wait<kStages - 2>();
        __syncthreads();
        if (i + kStages - 1 < tiles)
            loader.load((i + kStages - 1) * kRows, ring_address + fill * kStageBytes);
        ptx::cp_async_commit();
        sums.add(at, ring_address + stage * kStageBytes);
        fill = stage;
        stage = stage + 1 == kStages ? 0 : stage + 1;
    }
    ptx::cp_async_wait<0>();
    __syncthreads(); // the ring's memory may be used again
}

// ---- Registers -> shared -> global
// ---------------------------------------------------------------

template <class T> struct alignas(16) Vector8 {
    T v[8];
};

template <class T> struct alignas(4 * sizeof(T)) Vector4 {
    T v[4];
};

// 8 neighbouring values, of which `count` exist.
template <class T>
__device__ __forceinline__ void store_8(T *target, const float (&values)[8], int count, bool whole,
                                        float scaling) {
    if constexpr (kAtomic) {
        if (whole && count >= 8) {
            ptx::atomic_add_4(target, make_float4(values[0] * scaling, values[1] * scaling,
                                                  values[2] * scaling, values[3] * scaling));
            ptx::atomic_add_4(target + 4, make_float4(values[4] * scaling, values[5] * scaling,
                                                      values[6] * scaling, values[7] * scaling));
            return;
        }
#pragma unroll
        for (int i = 0; i < 8; ++i)
            if (i < count)
                ptx::atomic_add(target + i, values[i] * scaling);
    } else {
        Vector8<T> out;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            if constexpr (sizeof(T) == 4)
                out.v[i] = values[i] * scaling;
            else
                out.v[i] = narrow(values[i] * scaling);
        }
        if (whole && count >= 8) {
            *reinterpret_cast<Vector8<T> *>(target) = out;
            return;
        }
#pragma unroll
        for (int i = 0; i < 8; ++i)
            if (i < count)
                target[i] = out.v[i];
    }
}

// Each warp turns its sums around in its own strip of shared memory, 16 ranks at a time. dA's rows
// run along the columns of Z, dB's along the rank.
template <class T>
__device__ __forceinline__ void write_sums(const LoraGradParams &p, int columns, bool along_rank,
                                           int n0, const Lane &at, float scaling,
                                           unsigned char *space, const Accumulators &sums, T *out) {
    float *strip = reinterpret_cast<float *>(space + (at.warp_r * kWarpsN + at.warp_n) * kStripBytes);
    const int warp_n0 = n0 + int(at.warp_n) * kWarpColumns;
#pragma unroll
    for (int tile = 0; tile < kRTiles; ++tile) {
        const int r0 = (int(at.warp_r) * kRTiles + tile) * 16;
#pragma unroll
        for (int n = 0; n < kNTiles; ++n) {
            float *cell = strip + at.lane / 4 * kStripStride + n * 8 + at.lane % 4 * 2;
            const float(&v)[4] = sums.d[tile][n];
            *reinterpret_cast<float2 *>(cell) = make_float2(v[0], v[1]);
            *reinterpret_cast<float2 *>(cell + 8 * kStripStride) = make_float2(v[2], v[3]);
        }
        __syncwarp();
#pragma unroll
        for (int i = 0; i < kWarpColumns / 16; ++i) { // 16 x kWarpColumns in groups of 8
            const int index = int(at.lane) + i * 32;
            float values[8];
            if (along_rank) {
                const int column = index / 2, row = index % 2 * 8, r = r0 + row;
#pragma unroll
                for (int j = 0; j < 8; ++j)
                    values[j] = strip[(row + j) * kStripStride + column];
                if (warp_n0 + column < columns && r < p.rank)
                    store_8(out + u64(u32(warp_n0 + column)) * u32(p.rank) + r, values, p.rank - r,
                            p.rank % 8 == 0, scaling);
            } else {
                const int row = index / kNTiles, column = index % kNTiles * 8;
                const float4 *source =
                    reinterpret_cast<const float4 *>(strip + row * kStripStride + column);
                const float4 low = source[0], high = source[1];
                values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
                values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
                if (warp_n0 + column < columns && r0 + row < p.rank)
                    store_8(out + u64(u32(r0 + row)) * u32(columns) + warp_n0 + column, values, 8,
                            true, scaling);
            }
        }
        __syncwarp();
    }
}

} // namespace

#if MS_MODE == 1 // would rather spill than have fewer blocks at a time, unless told
#define MS_LAUNCH_BOUNDS __launch_bounds__(kThreads, 1)
#else
#define MS_LAUNCH_BOUNDS __launch_bounds__(kThreads)
#endif

#if MS_MODE != 3
extern "C" __global__ void MS_LAUNCH_BOUNDS
    MS_KERNEL_NAME(const __grid_constant__ LoraGradParams p) {
    extern __shared__ __align__(128) unsigned char shared[];
    const int blocks = p.da.blocks + p.db.blocks;
    const int unit = int(blockIdx.x) / blocks, block = int(blockIdx.x) % blocks;
    const bool is_db = block >= p.da.blocks;
    const LoraGradSide &side = is_db ? p.db : p.da;
    const int n0 = (is_db ? block - p.da.blocks : block) * kColumns;

    const Chunk chunk = find_chunk(p, unit, reinterpret_cast<int *>(shared));
    if (chunk.expert < 0 || (kAtomic && chunk.rows == 0))
        return;
    Loader loader(p, side, chunk, n0);
    VMaker maker(p, side, chunk, !is_db, shared + kStages * kStageBytes);
    const Lane at;
    Accumulators sums;
    sum_rows(loader, &maker, at, chunk.rows, shared, sums);

    if (kAtomic || chunk.count == 1) {
        Output *out = static_cast<Output *>(side.out) +
                      u64(u32(chunk.expert)) * u32(p.rank) * u32(side.columns);
        write_sums(p, side.columns, is_db, n0, at, p.scaling, shared, sums, out);
    } else if constexpr (!kAtomic) {
        float *out = p.partial + partial_slot(p, chunk) * partial_length(p) +
                     (is_db ? u64(u32(p.rank)) * u32(p.da.columns) : 0);
        write_sums(p, side.columns, is_db, n0, at, 1.0f, shared, sums, out);
    }
}
#else
// Adds the partial sums of one expert of several chunks, in the order of the chunks. Every further
// chunk brings reduce_blocks blocks, which share the expert's elements.
extern "C" __global__ void MS_LAUNCH_BOUNDS
    MS_KERNEL_NAME(const __grid_constant__ LoraGradParams p) {
    extern __shared__ __align__(128) unsigned char shared[];
    Chunk chunk;
    find_extra(p, int(blockIdx.x) / p.reduce_blocks, reinterpret_cast<int *>(shared), chunk);
    ptx::wait_for_earlier_kernels();
    if (chunk.expert < 0)
        return;
    const int count = chunks_of(p, rows_of(p, chunk.expert));
    const u64 length = partial_length(p);
    const u64 da_length = u64(u32(p.rank)) * u32(p.da.columns), db_length = length - da_length;
    const float *first = p.partial + u64(u32(p.most_extra + chunk.first_extra)) * length;
    const float *others = p.partial + u64(u32(chunk.first_extra)) * length;
    const u64 begin = p.da.blocks ? 0 : da_length, end = p.db.blocks ? length : da_length;
    const u32 block = u32(chunk.index - 1) * p.reduce_blocks + blockIdx.x % u32(p.reduce_blocks);
    const u64 stride = u64(u32(count - 1) * u32(p.reduce_blocks)) * (4 * kThreads);
    // Four elements a step: K and N are multiples of 8.
    for (u64 i = begin + (u64(block) * kThreads + threadIdx.x) * 4; i < end; i += stride) {
        float4 sum = *reinterpret_cast<const float4 *>(first + i);
#pragma unroll 8
        for (int c = 0; c < count - 1; ++c) {
            const float4 more =
                *reinterpret_cast<const float4 *>(others + u64(u32(c)) * length + i);
            sum.x += more.x, sum.y += more.y, sum.z += more.z, sum.w += more.w;
        }
        Vector4<Output> out;
        out.v[0] = to_output(sum.x * p.scaling), out.v[1] = to_output(sum.y * p.scaling);
        out.v[2] = to_output(sum.z * p.scaling), out.v[3] = to_output(sum.w * p.scaling);
        Output *target =
            i < da_length
                ? static_cast<Output *>(p.da.out) + u64(u32(chunk.expert)) * da_length + i
                : static_cast<Output *>(p.db.out) + u64(u32(chunk.expert)) * db_length +
                      (i - da_length);
        *reinterpret_cast<Vector4<Output> *>(target) = out;
    }
}
#endif
#undef MS_LAUNCH_BOUNDS
