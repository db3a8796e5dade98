// kernels/jit/ptx.jit.cuh for the block emulator: the same functions with the same meaning, written
// from the PTX ISA's fragment tables.
#pragma once

#include "kernels/common/float_types.h"
#include "tests/kernels/emulation/block_emulator.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#define __device__
#define __host__
#define __global__
#define __shared__
#define __align__(bytes)
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define threadIdx (::moescope::emulation::thread_index)
#define blockIdx (::moescope::emulation::block_index)
#define __syncthreads() ::moescope::emulation::sync_threads()
#define __syncwarp() ::moescope::emulation::sync_warp()

struct alignas(16) uint4 {
    std::uint32_t x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
inline uint4 make_uint4(std::uint32_t x, std::uint32_t y, std::uint32_t z, std::uint32_t w) {
    return {x, y, z, w};
}
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
using std::min;
inline std::uint32_t __float_as_uint(float value) { return std::bit_cast<std::uint32_t>(value); }
inline float __uint_as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }

namespace ptx {

using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

namespace emulation = moescope::emulation;

inline u32 shared_address(const void *pointer) {
    return u32(static_cast<const unsigned char *>(pointer) - emulation::shared_memory);
}

inline void cp_async_16(u32 shared, const void *global, bool valid) {
    emulation::cp_async(shared, global, valid);
}
inline void cp_async_commit() { emulation::cp_async_commit(); }
template <int kPending> void cp_async_wait() { emulation::cp_async_wait(kPending); }
inline void launch_dependents() {}
inline void store_shared_16(u32 shared, uint4 value) {
    std::memcpy(emulation::shared_at(shared, 16), &value, 16);
}
inline void store_shared_4(u32 shared, u32 value) {
    std::memcpy(emulation::shared_at(shared, 4), &value, 4);
}
template <int kWords> void copy_from_shared(u32 (&v)[kWords], u32 shared) {
    std::memcpy(v, emulation::shared_at(shared, 4 * kWords), 4 * kWords);
}
inline void load_shared(u32 (&v)[1], u32 shared) { copy_from_shared(v, shared); }
inline void load_shared(u32 (&v)[2], u32 shared) { copy_from_shared(v, shared); }
// Eight neighbouring lanes read at once.
inline void load_shared(u32 (&v)[4], u32 shared) {
    const auto &addresses = emulation::exchange(&shared, 1);
    if (const u32 lane = threadIdx.x % 32; lane % 8 == 0) {
        u32 eight[8];
        for (u32 i = 0; i < 8; ++i)
            eight[i] = addresses[lane + i][0];
        emulation::count_conflicts(eight);
    }
    copy_from_shared(v, shared);
}
// Matrix i's row r stands at the address that lane 8i + r gave. Lane l gets elements (l/4, 2(l%4))
// and (l/4, 2(l%4) + 1), or of the transposed matrix.
template <int kMatrices, bool kTransposed> void ldmatrix(u32 *r, u32 shared) {
    const auto &addresses = emulation::exchange(&shared, 1);
    const u32 lane = threadIdx.x % 32;
    for (u32 i = 0; i < kMatrices; ++i) {
        const auto element = [&](u32 row, u32 column) {
            u16 value;
            std::memcpy(&value, emulation::shared_at(addresses[8 * i + row][0], 16) + 2 * column,
                        2);
            return u32(value);
        };
        if (lane == 8 * i) {
            u32 rows[8];
            for (u32 row = 0; row < 8; ++row)
                rows[row] = addresses[8 * i + row][0];
            emulation::count_conflicts(rows);
        }
        const u32 group = lane / 4, pair = lane % 4 * 2;
        r[i] = kTransposed ? element(pair, group) | element(pair + 1, group) << 16
                           : element(group, pair) | element(group, pair + 1) << 16;
    }
}
inline void ldmatrix_x4(u32 (&r)[4], u32 shared) { ldmatrix<4, false>(r, shared); }
inline void ldmatrix_x4_trans(u32 (&r)[4], u32 shared) { ldmatrix<4, true>(r, shared); }
inline void ldmatrix_x2(u32 &r0, u32 &r1, u32 shared) {
    u32 r[2];
    ldmatrix<2, false>(r, shared);
    r0 = r[0], r1 = r[1];
}

// PTX ISA, mma.m16n8k16 with 16-bit floats: a_i (i < 8) of a lane stands at row g (+8 for i in {2,
// 3, 6, 7}) and column 2t + i%2 (+8 for i >= 4); b_i at row 2t + i%2 (+8 for i >= 2) and column g;
// d_i at row g (+8 for i >= 2) and column 2t + i%2; g = lane / 4, t = lane % 4.
template <class Widen> void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1, Widen widen) {
    const u32 mine[6] = {a[0], a[1], a[2], a[3], b0, b1};
    const auto &words = emulation::exchange(mine, 6);
    const auto half = [&](u32 word, u32 high) { return widen(u16(word >> 16 * high)); };
    const auto a_at = [&](u32 row, u32 k) {
        const u32 lane = row % 8 * 4 + k % 8 / 2;
        return half(words[lane][row / 8 + k / 8 * 2], k % 2);
    };
    const auto b_at = [&](u32 k, u32 column) {
        const u32 lane = column * 4 + k % 8 / 2;
        return half(words[lane][4 + k / 8], k % 2);
    };
    const u32 lane = threadIdx.x % 32;
    for (u32 i = 0; i < 4; ++i) {
        const u32 row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        double sum = d[i];
        for (u32 k = 0; k < 16; ++k)
            sum += double(a_at(row, k)) * b_at(k, column);
        d[i] = float(sum);
    }
}
inline void mma_bf16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    mma(d, a, b0, b1, moescope::bf16_to_float);
}
inline void mma_f16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    mma(d, a, b0, b1, moescope::f16_to_float);
}

inline void atomic_add(float *target, float value) { *target += value; }
inline void atomic_add_4(float *target, float4 value) {
    target[0] += value.x, target[1] += value.y, target[2] += value.z, target[3] += value.w;
}
inline void wait_for_earlier_kernels() {}

inline u16 bf16_from_float(float value) { return moescope::float_to_bf16(value); }
inline u16 f16_from_float(float value) { return moescope::float_to_f16(value); }
inline u32 bf16_pair_from_floats(float low, float high) {
    return u32(bf16_from_float(low)) | u32(bf16_from_float(high)) << 16;
}
inline u32 f16_pair_from_floats(float low, float high) {
    return u32(f16_from_float(low)) | u32(f16_from_float(high)) << 16;
}
inline float float_from_bf16(u16 bits) { return moescope::bf16_to_float(bits); }
inline float float_from_f16(u16 bits) { return moescope::f16_to_float(bits); }

} // namespace ptx
