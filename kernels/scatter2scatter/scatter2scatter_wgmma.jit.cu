// The grouped matrix product on Hopper (sm_90a): wgmma fed by the copy engine, one block an SM that
// walks over tiles. The operands are swapped: features of W are the rows (M) of the tensor core's
// product and routed tokens its columns (N, any multiple of 8 or 16), so that an expert with 64 tokens
// pays for 64 and each byte of W is read once. Compile-time constants, from the host
// (wgmma_plan.h): MS_KERNEL_NAME, MS_BF16, MS_OUT_F32, MS_BLOCK_M (tokens), MS_BLOCK_N (features),
// MS_STAGES, MS_W_TRANSPOSED, MS_EXTRA (0 none; 1: B [E, N, R]; 2: B [E, R, N]; 3: B [E, N, R] whose rows
// do not begin at multiples of 16 bytes, which the copy engine refuses), MS_EXTRA_STEPS (of depth 16
// in a stage of XA and B), MS_X_GROUPED and MS_DYNAMIC_SMEM.
//
// Roles: one thread has the copy engine fill W's part of a ring of stages, and XA's and B's; the rest of
// its warpgroup, where rows of X are to be gathered, does so by cp.async; two warpgroups of consumers multiply, half the features each, and write their
// part of Y through shared memory while the ring already fills for the next tile. With extra depth the
// first k-tiles are XA and B: their product is scaled in float32 before X*W is added to it.
#include "hopper.jit.cuh"
#include "scatter2scatter_params.jit.cuh"
#include "wgmma.jit.cuh"

namespace {

using ptx::u16;
using ptx::u32;
using ptx::u64;

// ---- The tile
// ------------------------------------------------------------------------------------

constexpr int kTokens = MS_BLOCK_M;
constexpr int kFeatures = MS_BLOCK_N;
constexpr int kDepth = 64; // of a stage: one row of 128 bytes
constexpr int kStages = MS_STAGES;
constexpr int kConsumers = 2;                     // warpgroups
constexpr int kParts = kFeatures / 64 / kConsumers; // 64-feature products a consumer
constexpr int kTokenStep = kTokens <= 128 ? 8 : 16;
constexpr int kMostN = 256; // of one product; wider tiles are two
constexpr int kMostSorted = 512;
static_assert(kParts * 64 * kConsumers == kFeatures && kTokens % 32 == 0 && kTokens <= 2 * kMostN);

constexpr bool kXByEngine = MS_X_GROUPED;
// Whether threads store parts of a stage themselves: rows of X, or B.
constexpr bool kThreadsStore = !kXByEngine || MS_EXTRA == 3;
constexpr int kBoxRows = 32;   // of X the copy engine fetches at once
constexpr int kRowsAPass = 16; // of X the gathering warpgroup fetches at once: 8 threads a row
constexpr int kPasses = kTokens / kRowsAPass;
constexpr int kThreads = 128 * (1 + kConsumers);
static_assert(kTokens % kBoxRows == 0 || !kXByEngine);

// A consumer's strip of Y on its way out: two buffers of kStripTokens rows.
constexpr int kOutBytes = MS_OUT_F32 ? 4 : 2;
constexpr int kStripTokens = (kTokens > 256 ? 16 : 32) / kParts / (MS_OUT_F32 ? 2 : 1);
constexpr int kStripStride = kParts * 64 * kOutBytes + 16; // an odd number of 16-byte chunks
constexpr int kStripBytes = kStripTokens * kStripStride;

constexpr int kWBytes = kFeatures * kDepth * 2;
constexpr int kXBytes = kTokens * kDepth * 2;
constexpr int kStageBytes = kWBytes + (kXBytes + 1023) / 1024 * 1024;
constexpr int kStripsOffset = kStages * kStageBytes;
constexpr int kSlotsOffset = kStripsOffset + kConsumers * 2 * kStripBytes;
constexpr int kInfoOffset = kSlotsOffset + kConsumers * kTokens * 4;
constexpr int kBarriersOffset = kInfoOffset + kStages * 16;
constexpr int kOrderOffset = kBarriersOffset + kStages * 16 + 16;
constexpr int kSmemBytes = kOrderOffset + kMostSorted * 3;
static_assert(kSmemBytes + 1024 == MS_DYNAMIC_SMEM, "the host computes the same layout");

struct Shared {
    u32 base; // aligned to 1024
    unsigned char *pointer;

    __device__ __forceinline__ explicit Shared(unsigned char *dynamic) {
        const u32 address = ptx::shared_address(dynamic);
        base = (address + 1023) / 1024 * 1024;
        pointer = dynamic + (base - address);
    }
    __device__ __forceinline__ u32 w(u32 stage) const { return base + stage * kStageBytes; }
    __device__ __forceinline__ u32 x(u32 stage) const { return w(stage) + kWBytes; }
    __device__ __forceinline__ u32 full(u32 stage) const { return base + kBarriersOffset + stage * 16; }
    __device__ __forceinline__ u32 empty(u32 stage) const { return full(stage) + 8; }
    __device__ __forceinline__ int4 *info(u32 stage) const {
        return reinterpret_cast<int4 *>(pointer + kInfoOffset) + stage;
    }
    __device__ __forceinline__ int *tile_count() const {
        return reinterpret_cast<int *>(pointer + kBarriersOffset + kStages * 16);
    }
    __device__ __forceinline__ u16 *order() const { // of row tiles
        return reinterpret_cast<u16 *>(pointer + kOrderOffset);
    }
    __device__ __forceinline__ unsigned char *keys() const { // an expert's rows a tile / 8
        return pointer + kOrderOffset + kMostSorted * 2;
    }
};

// Where a role stands in the ring. A consumer waits for the phase, a producer for the one before it.
struct Ring {
    u32 stage = 0, parity = 0;
    __device__ __forceinline__ void advance() {
        if (++stage == kStages) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// ---- Which tiles
// ---------------------------------------------------------------------------------

struct Tile {
    int expert;
    int row_begin; // first sorted position
    int rows;      // 1 .. kTokens
    int n0;        // first feature
};

// An expert's rows are dealt out evenly over its tiles, in eights.
__device__ __forceinline__ int share_of(int rows) {
    const int tiles = (rows + kTokens - 1) / kTokens;
    return ((rows + tiles - 1) / tiles + 7) / 8 * 8;
}
__device__ __forceinline__ Tile tile_of(const Scatter2ScatterParams &p, Scatter2ScatterTile entry,
                                        int n0) {
    const int begin = p.offsets[entry.expert], rows = p.offsets[entry.expert + 1] - begin;
    const int share = share_of(rows);
    return {entry.expert, begin + entry.tile * share, min(share, rows - entry.tile * share), n0};
}

// Row tiles from the heaviest to the lightest, an expert's together: dealt out in turn, every block
// gets about the same work. The same order in every block; the schedule's own where there are many.
struct RowTiles {
    const Scatter2ScatterParams &p;
    const u16 *order;
    int count; // before the padding at the schedule's end

    // All threads of the block.
    __device__ __forceinline__ RowTiles(const Scatter2ScatterParams &params, const Shared &shared)
        : p(params), order(shared.order()) {
        const bool sorted = p.sort_tiles && p.tile_count <= kMostSorted;
        for (int i = threadIdx.x; i <= p.tile_count; i += kThreads) {
            const bool before = i == 0 || p.tiles[i - 1].expert >= 0;
            const int expert = i < p.tile_count ? p.tiles[i].expert : -1;
            if (before && expert < 0)
                *shared.tile_count() = i;
            if (sorted && i < p.tile_count)
                shared.keys()[i] =
                    expert < 0 ? 0 : share_of(p.offsets[expert + 1] - p.offsets[expert]) / 8;
        }
        __syncthreads();
        count = *shared.tile_count();
        if (sorted)
            sort(shared);
        else
            order = nullptr;
        __syncthreads();
    }

    __device__ __forceinline__ void sort(const Shared &shared) const {
        const u32 *keys = reinterpret_cast<const u32 *>(shared.keys());
        for (int i = threadIdx.x; i < count; i += kThreads) {
            const u32 mine = shared.keys()[i] * 0x01010101u;
            int rank = 0; // of this tile: how many are heavier, or as heavy and earlier
            for (int j = 0; j < count; j += 4) {
                const u32 heavier = __vcmpgtu4(keys[j / 4], mine);
                const u32 equal = __vcmpeq4(keys[j / 4], mine);
                const int earlier = min(max(i - j, 0), 4), valid = min(count - j, 4);
                rank += __popc(heavier & (valid == 4 ? ~0u : (1u << 8 * valid) - 1));
                rank += __popc(equal & (earlier == 4 ? ~0u : (1u << 8 * earlier) - 1));
            }
            shared.order()[rank / 8] = i;
        }
    }

    // The tile of this block's turn; -1 when there is none. Every other turn runs backwards.
    __device__ __forceinline__ int id_of(int turn) const {
        const int place = turn % 2 ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
        const int id = turn * gridDim.x + place;
        return id < count * p.n_tiles ? id : -1;
    }
    // Tiles that run at one time share rows of X and features of W in the L2: groups of row tiles are
    // walked feature by feature.
    __device__ __forceinline__ Scatter2ScatterTile entry_of(int id, int &n0) const {
        const int first = id / (p.row_group * p.n_tiles) * p.row_group;
        const int group = min(count - first, p.row_group);
        const int within = id - first * p.n_tiles;
        const int place = first + within % group;
        n0 = within / group * kFeatures;
        return p.tiles[order ? order[place] : place];
    }
};

// ---- Producer
// ------------------------------------------------------------------------------------

// The next tile and its rows of X, looked up step by step while the stages of this one are filled, so
// that nobody waits for a chain of loads between two tiles.
struct NextTile {
    const Scatter2ScatterParams &p;
    const RowTiles &row_tiles;
    const u32 first_row;
    int turn, id;
    int row_begin, rows, expert, n0;
    Scatter2ScatterTile entry;
    u32 rows_16b[kPasses]; // this thread's rows of X, in chunks of 16 bytes

    __device__ __forceinline__ void find() {
        id = row_tiles.id_of(++turn);
        if (id >= 0)
            entry = row_tiles.entry_of(id, n0);
    }
    __device__ __forceinline__ void find_rows() {
        const Tile tile = tile_of(p, entry, n0);
        expert = tile.expert;
        row_begin = tile.row_begin;
        rows = tile.rows;
    }
    __device__ __forceinline__ void find_slots() {
        if constexpr (!kXByEngine) {
#pragma unroll
            for (int i = 0; i < kPasses; ++i) // past the tile, its last row once more
                if (i * kRowsAPass < rows)
                    rows_16b[i] = u32(p.sorted_slots[row_begin + min(int(first_row) + i * kRowsAPass,
                                                                     rows - 1)]);
        }
    }
    __device__ __forceinline__ void find_sources() {
        if constexpr (!kXByEngine) {
#pragma unroll
            for (int i = 0; i < kPasses; ++i)
                if (i * kRowsAPass < rows)
                    rows_16b[i] = rows_16b[i] / u32(p.top_k) * p.x_stride_16b;
        }
    }
    static constexpr int kSteps = 4;
    __device__ __forceinline__ void step(int i) {
        if (i == 0)
            find();
        else if (id < 0)
            return;
        else if (i == 1)
            find_rows();
        else if (i == 2)
            find_slots();
        else if (i == 3)
            find_sources();
    }
};

struct Producer {
    const Scatter2ScatterParams &p;
    const ptx::TensorMap &w_map, &b_map, &x_map, &xa_map;
    const Shared &shared;
    const u64 policy;
    Ring ring;

    // A stage without rows ends the consumers' work.
    __device__ __forceinline__ void finish() const {
        ptx::mbarrier_wait(shared.empty(ring.stage), ring.parity ^ 1);
        if (threadIdx.x == 0) {
            *shared.info(ring.stage) = make_int4(0, 0, 0, 0);
            ptx::mbarrier_arrive(shared.full(ring.stage));
        }
        if (kThreadsStore)
            ptx::mbarrier_arrive(shared.full(ring.stage));
    }

    // W's part of the stage: k0 .. k0 + 64 of the tile's features, or of B in its place.
    __device__ __forceinline__ void copy_w(const ptx::TensorMap &map, bool k_major, int k0, int n0,
                                           int expert) const {
        const u32 full = shared.full(ring.stage);
        if (k_major) {
            ptx::tma_load_3d(shared.w(ring.stage), map, full, k0, n0, expert, policy);
        } else {
#pragma unroll
            for (int part = 0; part < kFeatures / 64; ++part)
                ptx::tma_load_3d(shared.w(ring.stage) + part * 8192, map, full, n0 + part * 64, k0,
                                 expert, policy);
        }
    }

    // All of a stage that one thread asks the copy engine for; x_rows of X or XA, 0 if they are gathered.
    __device__ __forceinline__ void copy(bool extra, int k0, int n0, int expert, int row_begin,
                                         int x_rows) const {
        const u32 full = shared.full(ring.stage);
        const int boxes = (x_rows + kBoxRows - 1) / kBoxRows;
        const int w_bytes = MS_EXTRA == 3 && extra ? 0 : kWBytes;
        ptx::mbarrier_arrive_expect(full, w_bytes + boxes * kBoxRows * 128);
        if (!MS_EXTRA || !extra)
            copy_w(w_map, MS_W_TRANSPOSED, k0, n0, expert);
        else if (MS_EXTRA != 3)
            copy_w(b_map, MS_EXTRA == 1, k0, n0, expert);
        const ptx::TensorMap &map = MS_EXTRA && extra ? xa_map : x_map;
        for (int i = 0; i < boxes; ++i)
            ptx::tma_load_3d(shared.x(ring.stage) + i * kBoxRows * 128, map, full, k0,
                             row_begin + i * kBoxRows, 0, ptx::evict_normal_policy());
    }
};

// B's part of a stage by ordinary stores, 8 neighbouring threads a feature.
__device__ __forceinline__ void store_b(const Scatter2ScatterParams &p, u32 shared, int r0, int n0,
                                        int expert) {
    const u16 *b = static_cast<const u16 *>(p.lora_b) + (u64(expert) * u32(p.n) + n0) * u32(p.rank);
    const u32 chunk = threadIdx.x % 8;
#pragma unroll 1
    for (u32 feature = threadIdx.x / 8; feature < kFeatures; feature += kRowsAPass) {
        const u16 *source = b + u64(feature) * u32(p.rank);
        u32 words[4] = {};
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const int r = r0 + int(chunk) * 8 + i;
            if (n0 + int(feature) < p.n && r < p.rank)
                words[i / 2] |= u32(source[r]) << i % 2 * 16;
        }
        ptx::store_shared_16(shared + feature * 128 + ((chunk ^ (feature & 7)) << 4),
                             make_uint4(words[0], words[1], words[2], words[3]));
    }
}

// The order in which a tile's stages are filled. The kernel may have begun before XA is complete: the
// block's first tile fills what the ring has room for beside XA, then waits, then fills XA's stages.
struct FillOrder {
    int extra; // stages of XA, the tile's first
    int ahead; // stages filled before those; 0 after the first tile

    __device__ __forceinline__ FillOrder(int extra_stages, int k_tiles)
        : extra(extra_stages), ahead(max(min(k_tiles, kStages) - extra, 0)) {}
    __device__ __forceinline__ bool changes(int turn) const {
        return ahead > 0 && turn < extra + ahead;
    }
    __device__ __forceinline__ int k_tile_of(int turn) const {
        if (!changes(turn))
            return turn;
        return turn < ahead ? turn + extra : turn - ahead;
    }
};

// The producing warpgroup: every stage of every tile. One thread asks the copy engine for W (and for X
// where its rows are grouped); all 128 gather X, 8 neighbouring threads a row of 128 bytes.
__device__ __forceinline__ void produce(Producer at, const RowTiles &row_tiles) {
    const Scatter2ScatterParams &p = at.p;
    const u32 first_row = threadIdx.x / 8, chunk = threadIdx.x % 8;
    const u32 target = first_row * 128 + ((chunk ^ (first_row & 7)) << 4);
    const int extra = MS_EXTRA ? (p.rank + kDepth - 1) / kDepth : 0;
    const int k_tiles = extra + (p.k + kDepth - 1) / kDepth;
    FillOrder order(extra, k_tiles);
    bool waited = false;
    NextTile next{p, row_tiles, first_row, -1};
    for (int i = 0; i < NextTile::kSteps; ++i)
        next.step(i);
    while (next.id >= 0) {
        const int expert = next.expert, row_begin = next.row_begin, rows = next.rows, n0 = next.n0;
        u32 rows_16b[kPasses];
#pragma unroll
        for (int i = 0; i < kPasses; ++i)
            rows_16b[i] = next.rows_16b[i];
        for (int turn = 0; turn < k_tiles; ++turn) {
            int i = turn;
            if constexpr (MS_EXTRA) {
                if (!waited && turn == order.ahead) {
                    ptx::wait_for_earlier_grids();
                    waited = true;
                }
                i = order.k_tile_of(turn);
                if (order.changes(turn)) // the ring is empty yet: any of its stages will do
                    at.ring.stage = i;
            }
            ptx::mbarrier_wait(at.shared.empty(at.ring.stage), at.ring.parity ^ 1);
            const bool is_extra = MS_EXTRA && i < extra;
            const int k0 = (is_extra ? i : i - extra) * kDepth;
            if (threadIdx.x == 0) {
                if (i == 0)
                    *at.shared.info(at.ring.stage) =
                        make_int4(expert, row_begin, rows, n0);
                at.copy(is_extra, k0, n0, expert, row_begin, kXByEngine || is_extra ? rows : 0);
            }
            if (MS_EXTRA && is_extra) {
                if constexpr (MS_EXTRA == 3) {
                    store_b(p, at.shared.w(at.ring.stage), k0, n0, expert);
                    ptx::fence_async_proxy();
                }
                if (kThreadsStore)
                    ptx::mbarrier_arrive(at.shared.full(at.ring.stage));
            } else if (kThreadsStore) {
                if constexpr (!kXByEngine) {
                    const u32 shared = at.shared.x(at.ring.stage) + target;
                    const uint4 *x = static_cast<const uint4 *>(p.x) + k0 / 8 + chunk;
                    const bool in_depth = k0 + int(chunk) * 8 < p.k;
#pragma unroll
                    for (int pass = 0; pass < kPasses; ++pass)
                        if (pass * kRowsAPass < rows)
                            ptx::cp_async_16(shared + pass * kRowsAPass * 128, x + rows_16b[pass],
                                             in_depth);
                }
                ptx::mbarrier_arrive_after_copies(at.shared.full(at.ring.stage));
            }
            if (MS_EXTRA && order.changes(turn))
                at.ring.stage = turn;
            at.ring.advance();
            next.step(turn);
        }
        order.ahead = 0;
        for (int i = k_tiles; i < NextTile::kSteps; ++i)
            next.step(i);
    }
    at.finish();
    ptx::cp_async_wait_all();
}

// ---- Consumers
// -----------------------------------------------------------------------------------

__device__ __forceinline__ u16 narrow(float value) {
    return MS_BF16 ? ptx::bf16_from_float(value) : ptx::f16_from_float(value);
}
__device__ __forceinline__ float widen(u16 bits) {
    return MS_BF16 ? ptx::float_from_bf16(bits) : ptx::float_from_f16(bits);
}
__device__ __forceinline__ u32 narrow_pair(float low, float high) {
    return narrow(low) | u32(narrow(high)) << 16;
}

struct Consumer {
    const Scatter2ScatterParams &p;
    const Shared &shared;
    u32 group;  // 0 or 1
    u32 thread; // of the warpgroup
    Ring ring;

    __device__ __forceinline__ void release(u32 stage) const {
        if (thread % 32 == 0)
            ptx::mbarrier_arrive(shared.empty(stage));
    }

    __device__ __forceinline__ void barrier() const { // of the warpgroup
        if (group == 0)
            ptx::named_barrier<1>(128);
        else
            ptx::named_barrier<2>(128);
    }

    // kSteps products of depth 16 from the stage the ring stands at.
    template <bool kTransA, int kSteps, int kN>
    __device__ __forceinline__ void multiply(float (&sums)[kParts][kN / 2]) const {
        constexpr int kProducts = kN > kMostN ? 2 : 1; // beside each other
        constexpr int kWidth = kN / kProducts;
        const u64 a = ptx::swizzled_matrix(shared.w(ring.stage) + group * kParts * 8192);
        const u64 b = ptx::swizzled_matrix(shared.x(ring.stage));
        ptx::wgmma_fence();
#pragma unroll
        for (int step = 0; step < kSteps; ++step)
#pragma unroll
            for (int i = 0; i < kParts * kProducts; ++i) {
                const int part = i / kProducts, product = i % kProducts;
                ptx::wgmma<kTransA>(
                    reinterpret_cast<float(&)[kWidth / 2]>(sums[part][product * kWidth / 2]),
                    a + (part * 8192 + step * (kTransA ? 2048 : 32)) / 16,
                    b + (product * kWidth * 128 + step * 32) / 16);
            }
        ptx::wgmma_commit();
    }

    __device__ __forceinline__ void wait_full() const {
        ptx::mbarrier_wait(shared.full(ring.stage), ring.parity);
        if (kThreadsStore)
            ptx::fence_async_proxy();
    }

    template <int kN> __device__ __forceinline__ void run(const Tile &tile) {
        float sums[kParts][kN / 2];
#pragma unroll
        for (int i = 0; i < kParts * kN / 2; ++i)
            sums[i / (kN / 2)][i % (kN / 2)] = 0;
        int slots[(kTokens + 127) / 128];
#pragma unroll
        for (int i = 0; i < (kTokens + 127) / 128; ++i)
            slots[i] = slot_of(tile, thread + i * 128);
        if constexpr (MS_EXTRA) {
            for (int r0 = 0; r0 < p.rank; r0 += kDepth) {
                wait_full();
                multiply<MS_EXTRA == 2, MS_EXTRA_STEPS, kN>(sums);
                ptx::wgmma_wait<0>();
                release(ring.stage);
                ring.advance();
            }
#pragma unroll
            for (int part = 0; part < kParts; ++part) {
                ptx::scale(sums[part], p.scaling);
            }
        }
        u32 previous = 0;
        for (int k0 = 0; k0 < p.k; k0 += kDepth) {
            wait_full();
            multiply<!MS_W_TRANSPOSED, 4, kN>(sums);
            ptx::wgmma_wait<1>();
            if (k0 > 0)
                release(previous);
            previous = ring.stage;
            ring.advance();
        }
        ptx::wgmma_wait<0>();
        release(previous);
#pragma unroll
        for (int part = 0; part < kParts; ++part)
            ptx::pin(sums[part]);
        write<kN>(tile, sums, slots);
    }

    // Row of Y of a row of the tile.
    __device__ __forceinline__ int slot_of(const Tile &tile, u32 row) const {
        if (int(row) >= tile.rows)
            return 0;
        return p.y_grouped ? tile.row_begin + int(row) : p.sorted_slots[tile.row_begin + int(row)];
    }

    template <int kN>
    __device__ __forceinline__ void add_bias(const Tile &tile, float (&sums)[kParts][kN / 2]) const {
        const u16 *bias = static_cast<const u16 *>(p.bias) + u64(tile.expert) * u32(p.n);
#pragma unroll
        for (int part = 0; part < kParts; ++part) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int feature = tile.n0 + int(group * kParts + part) * 64 +
                                    int(thread / 32 * 16 + thread % 32 / 4) + half * 8;
                const float value = feature < p.n ? widen(bias[feature]) : 0;
#pragma unroll
                for (int i = 0; i < kN / 2; i += 4) {
                    sums[part][i + half * 2] += value;
                    sums[part][i + half * 2 + 1] += value;
                }
            }
        }
    }

    // Tokens kToken0 .. kToken0 + kStripTokens, turned around into rows of the strip.
    template <int kN, int kToken0>
    __device__ __forceinline__ void fill_strip(const float (&sums)[kParts][kN / 2], u32 strip,
                                               unsigned char *strip_pointer) const {
        const u32 lane = thread % 32, warp = thread / 32;
#pragma unroll
        for (int part = 0; part < kParts; ++part) {
#pragma unroll
            for (int t = 0; t < kStripTokens; t += 8) {
                constexpr int kLast = kN - kToken0;
                if (t >= kLast)
                    continue;
                float v[8];
#pragma unroll
                for (int i = 0; i < 8; ++i)
                    v[i] = (kToken0 + t) / 2 + i < kN / 2 ? sums[part][((kToken0 + t) / 2 + i) % (kN / 2)] : 0;
                if constexpr (MS_OUT_F32) {
                    float *cell = reinterpret_cast<float *>(strip_pointer) +
                                  (t + lane % 4 * 2) * (kStripStride / 4) + part * 64 + warp * 16 +
                                  lane / 4;
                    cell[0] = v[0];
                    cell[kStripStride / 4] = v[1];
                    cell[8] = v[2];
                    cell[kStripStride / 4 + 8] = v[3];
                } else {
                    const u32 address = strip + (t + lane / 16 * 8 + lane % 8) * kStripStride +
                                        (part * 64 + warp * 16 + lane / 8 % 2 * 8) * 2;
                    const u32 r0 = narrow_pair(v[0], v[1]), r1 = narrow_pair(v[2], v[3]);
                    if (t % 16 == 0 && t + 8 < kLast && t + 8 < kStripTokens)
                        ptx::stmatrix_x4_trans(address, r0, r1, narrow_pair(v[4], v[5]),
                                               narrow_pair(v[6], v[7]));
                    else if (t % 16 == 0)
                        ptx::stmatrix_x2_trans(address, r0, r1);
                }
            }
        }
    }

    __device__ __forceinline__ void copy_strip(const Tile &tile, int token0,
                                               const unsigned char *strip, const int *slots) const {
        constexpr int kVectors = kParts * 64 * kOutBytes / 16; // a row
        constexpr int kElements = 16 / kOutBytes;              // a vector
        unsigned char *y = static_cast<unsigned char *>(p.y);
#pragma unroll
        for (int i = 0; i < kStripTokens * kVectors / 128; ++i) {
            const int index = int(thread) + i * 128;
            const int token = token0 + index / kVectors, vector = index % kVectors;
            const int column = tile.n0 + int(group) * kParts * 64 + vector * kElements;
            if (token >= tile.rows || column >= p.n)
                continue;
            const unsigned char *source = strip + index / kVectors * kStripStride + vector * 16;
            unsigned char *target = y + (slots[token] * p.y_stride + column) * kOutBytes;
            if (p.vector_stores && column + kElements <= p.n) {
                *reinterpret_cast<uint4 *>(target) = *reinterpret_cast<const uint4 *>(source);
            } else {
                for (int e = 0; e < kElements && column + e < p.n; ++e) {
                    if constexpr (MS_OUT_F32)
                        reinterpret_cast<float *>(target)[e] =
                            reinterpret_cast<const float *>(source)[e];
                    else
                        reinterpret_cast<u16 *>(target)[e] = reinterpret_cast<const u16 *>(source)[e];
                }
            }
        }
    }

    template <int kN, int kToken0>
    __device__ __forceinline__ void write_strips(const Tile &tile, const float (&sums)[kParts][kN / 2],
                                                 const int *slots) const {
        if constexpr (kToken0 < kN) {
            constexpr int kBuffer = kToken0 / kStripTokens % 2;
            const u32 offset = kStripsOffset + (group * 2 + kBuffer) * kStripBytes;
            fill_strip<kN, kToken0>(sums, shared.base + offset, shared.pointer + offset);
            barrier();
            copy_strip(tile, kToken0, shared.pointer + offset, slots);
            write_strips<kN, kToken0 + kStripTokens>(tile, sums, slots);
        }
    }

    template <int kN>
    __device__ __forceinline__ void write(const Tile &tile, float (&sums)[kParts][kN / 2],
                                          const int (&my_slots)[(kTokens + 127) / 128]) const {
        int *slots = reinterpret_cast<int *>(shared.pointer + kSlotsOffset) + group * kTokens;
        barrier(); // the tile before has left
#pragma unroll
        for (int i = 0; i < (kTokens + 127) / 128; ++i)
            if (int(thread) + i * 128 < kTokens)
                slots[thread + i * 128] = my_slots[i];
        if (p.bias)
            add_bias<kN>(tile, sums);
        write_strips<kN, 0>(tile, sums, slots);
    }

    // The product as wide as the tile has rows.
    template <int kN> __device__ __forceinline__ void dispatch(const Tile &tile) {
        if constexpr (kN < kTokens) {
            if (tile.rows > kN)
                return dispatch<kN + kTokenStep>(tile);
        }
        run<kN>(tile);
    }

    // The lane that releases stages is the one that reads: its arrival orders its own read.
    __device__ __forceinline__ Tile next_tile() const {
        int4 info = make_int4(0, 0, 0, 0);
        if (thread % 32 == 0)
            info = *shared.info(ring.stage);
        const auto of_lane_0 = [](int value) { return __shfl_sync(0xffffffffu, value, 0); };
        return {of_lane_0(info.x), of_lane_0(info.y), of_lane_0(info.z), of_lane_0(info.w)};
    }

    __device__ __forceinline__ void run_all() {
        while (true) {
            ptx::mbarrier_wait(shared.full(ring.stage), ring.parity);
            const Tile tile = next_tile();
            if (tile.rows == 0)
                return;
            dispatch<kTokenStep>(tile);
        }
    }
};

} // namespace

extern "C" __global__ void __launch_bounds__(kThreads, 1)
    MS_KERNEL_NAME(const __grid_constant__ Scatter2ScatterParams p,
                   const __grid_constant__ ptx::TensorMap w_map,
                   const __grid_constant__ ptx::TensorMap b_map,
                   const __grid_constant__ ptx::TensorMap x_map,
                   const __grid_constant__ ptx::TensorMap xa_map) {
    extern __shared__ __align__(1024) unsigned char dynamic[];
    const Shared shared(dynamic);
    if (threadIdx.x == 0) {
        ptx::prefetch_tensor_map(w_map);
        for (u32 stage = 0; stage < kStages; ++stage) {
            ptx::mbarrier_init(shared.full(stage), kThreadsStore ? 129 : 1);
            ptx::mbarrier_init(shared.empty(stage), 4 * kConsumers);
        }
        ptx::fence_barrier_init();
    }
    const RowTiles row_tiles(p, shared);
    if (row_tiles.id_of(0) < 0) {
        if (MS_EXTRA)
            ptx::wait_for_earlier_grids();
        return;
    }
    if (threadIdx.x < 128) {
        ptx::give_registers<72>();
        const u64 policy = p.w_once ? ptx::evict_first_policy() : ptx::evict_normal_policy();
        if (!kThreadsStore && threadIdx.x > 0)
            return;
        produce({p, w_map, b_map, x_map, xa_map, shared, policy, {}}, row_tiles);
    } else {
        ptx::take_registers<208>();
        const u32 thread = threadIdx.x - 128;
        Consumer consumer{p, shared, thread / 128, thread % 128, {}};
        consumer.run_all();
    }
}
