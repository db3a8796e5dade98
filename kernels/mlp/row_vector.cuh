// Neighbouring elements of a row as float32: 8 at a time, 16 bytes an access, where the rows allow
// it; else one by one. Kernels are written once over the count.
#pragma once

#include "kernels/common/status.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace moescope {

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__half value) { return __half2float(value); }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }

// Rounds to nearest even.
template <class T> __device__ T narrow(float value) {
    if constexpr (std::is_same_v<T, float>)
        return value;
    else if constexpr (std::is_same_v<T, __half>)
        return __float2half_rn(value);
    else
        return __float2bfloat16_rn(value);
}

// kCount elements of T as they lie in memory.
template <class T, int kCount> struct RowVector {
    static_assert(kCount == 1 || kCount == 8);
    static constexpr int kWords = int(sizeof(T)) * kCount / 16;
    std::conditional_t<kCount == 1, T, uint4[kWords > 0 ? kWords : 1]> data;

    __device__ static RowVector zero() {
        RowVector made{};
        return made;
    }

    __device__ static RowVector load(const T *from) {
        RowVector loaded;
        if constexpr (kCount == 1) {
            loaded.data = *from;
        } else {
#pragma unroll
            for (int i = 0; i < kWords; ++i)
                loaded.data[i] = reinterpret_cast<const uint4 *>(from)[i];
        }
        return loaded;
    }

    __device__ void store(T *to) const {
        if constexpr (kCount == 1) {
            *to = data;
        } else {
#pragma unroll
            for (int i = 0; i < kWords; ++i)
                reinterpret_cast<uint4 *>(to)[i] = data[i];
        }
    }

    __device__ void widen_to(float (&values)[kCount]) const {
        if constexpr (kCount == 1) {
            values[0] = widen(data);
        } else {
#pragma unroll
            for (int i = 0; i < kWords; ++i) {
                const std::uint32_t words[4] = {data[i].x, data[i].y, data[i].z, data[i].w};
#pragma unroll
                for (int w = 0; w < 4; ++w)
                    widen_word(words[w], values + (4 * i + w) * 4 / int(sizeof(T)));
            }
        }
    }

    __device__ static RowVector from(const float (&values)[kCount]) {
        RowVector made;
        if constexpr (kCount == 1) {
            made.data = narrow<T>(values[0]);
        } else {
            constexpr int kPerWord = 4 / int(sizeof(T));
#pragma unroll
            for (int i = 0; i < kWords; ++i) {
                const float *v = values + 4 * i * kPerWord;
                made.data[i] = make_uint4(narrow_word(v), narrow_word(v + kPerWord),
                                          narrow_word(v + 2 * kPerWord),
                                          narrow_word(v + 3 * kPerWord));
            }
        }
        return made;
    }

  private:
    __device__ static void widen_word(std::uint32_t word, float *values) {
        if constexpr (std::is_same_v<T, float>) {
            values[0] = __uint_as_float(word);
        } else if constexpr (std::is_same_v<T, __half>) {
            values[0] = __half2float(__ushort_as_half(std::uint16_t(word)));
            values[1] = __half2float(__ushort_as_half(std::uint16_t(word >> 16)));
        } else {
            values[0] = __uint_as_float(word << 16);
            values[1] = __uint_as_float(word & 0xffff0000u);
        }
    }
    __device__ static std::uint32_t narrow_word(const float *values) {
        if constexpr (std::is_same_v<T, float>) {
            return __float_as_uint(values[0]);
        } else if constexpr (std::is_same_v<T, __half>) {
            return std::uint32_t(__half_as_ushort(__float2half_rn(values[0]))) |
                   std::uint32_t(__half_as_ushort(__float2half_rn(values[1]))) << 16;
        } else {
            return std::uint32_t(__bfloat16_as_ushort(__float2bfloat16_rn(values[0]))) |
                   std::uint32_t(__bfloat16_as_ushort(__float2bfloat16_rn(values[1]))) << 16;
        }
    }
};

// Whether rows of `stride` elements from `base` begin at multiples of 16 bytes and `width` is made
// of vectors of 8.
inline bool rows_of_8(const void *base, std::int64_t stride, std::int64_t element_size,
                      std::int64_t width) {
    return width % 8 == 0 && stride * element_size % 16 == 0 &&
           reinterpret_cast<std::uintptr_t>(base) % 16 == 0;
}

// One thread a chunk of kCount elements, all chunks of all rows in one row of threads: this
// thread's. One division of 64 bits is the block's, the thread's own are of 32.
struct Chunk {
    std::int64_t row, column;
};
template <int kCount> __device__ Chunk find_chunk(int row_chunks) {
    const std::int64_t first = std::int64_t(blockIdx.x) * blockDim.x;
    const std::int64_t first_row = first / row_chunks;
    const unsigned within = unsigned(first - first_row * row_chunks) + threadIdx.x;
    return {first_row + within / unsigned(row_chunks),
            std::int64_t(within % unsigned(row_chunks)) * kCount};
}

// The blocks that give every chunk a thread.
inline ms_status blocks_for(const char *function, std::int64_t chunks, int threads,
                            unsigned &blocks) {
    const std::int64_t needed = (chunks + threads - 1) / threads;
    if (needed > std::numeric_limits<std::int32_t>::max())
        return fail(MS_UNSUPPORTED, std::string(function) + ": this call needs " +
                                        std::to_string(needed) +
                                        " blocks; a launch has at most 2147483647");
    blocks = unsigned(needed);
    return MS_OK;
}

} // namespace moescope
