// The elements of a 16-byte vector, taken out of the 32-bit words they come in and put back.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <bit>
#include <cmath>
#include <cstdint>

namespace moescope::logprob {

// kLowestWord: -infinity in every element. max_word leaves NaN out.
template <class T> struct Elements;

template <> struct Elements<float> {
    static constexpr int kPerWord = 1;
    static constexpr std::uint32_t kLowestWord = 0xff800000u;
    __device__ static void unpack(std::uint32_t word, float *x) { x[0] = __uint_as_float(word); }
    __device__ static std::uint32_t pack(const float *x) { return __float_as_uint(x[0]); }
    __device__ static std::uint32_t max_word(std::uint32_t a, std::uint32_t b) {
        return __float_as_uint(fmaxf(__uint_as_float(a), __uint_as_float(b)));
    }
};

template <> struct Elements<__nv_bfloat16> {
    static constexpr int kPerWord = 2;
    static constexpr std::uint32_t kLowestWord = 0xff80ff80u;
    __device__ static void unpack(std::uint32_t word, float *x) {
        x[0] = __uint_as_float(word << 16);
        x[1] = __uint_as_float(word & 0xffff0000u);
    }
    __device__ static std::uint32_t pack(const float *x) {
        return std::bit_cast<std::uint32_t>(__nv_bfloat162_raw(__floats2bfloat162_rn(x[0], x[1])));
    }
    __device__ static std::uint32_t max_word(std::uint32_t a, std::uint32_t b) {
        std::uint32_t y;
        asm("max.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
        return y;
    }
};

template <> struct Elements<__half> {
    static constexpr int kPerWord = 2;
    static constexpr std::uint32_t kLowestWord = 0xfc00fc00u;
    __device__ static void unpack(std::uint32_t word, float *x) {
        const float2 pair = __half22float2(std::bit_cast<__half2_raw>(word));
        x[0] = pair.x;
        x[1] = pair.y;
    }
    __device__ static std::uint32_t pack(const float *x) {
        return std::bit_cast<std::uint32_t>(__half2_raw(__floats2half2_rn(x[0], x[1])));
    }
    __device__ static std::uint32_t max_word(std::uint32_t a, std::uint32_t b) {
        std::uint32_t y;
        asm("max.f16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
        return y;
    }
};

template <class T> constexpr int kVectorElements = 4 * Elements<T>::kPerWord;

template <class T> __device__ inline void unpack(const uint4 &vector, float (&x)[kVectorElements<T>]) {
    constexpr int kPerWord = Elements<T>::kPerWord;
    Elements<T>::unpack(vector.x, x);
    Elements<T>::unpack(vector.y, x + kPerWord);
    Elements<T>::unpack(vector.z, x + 2 * kPerWord);
    Elements<T>::unpack(vector.w, x + 3 * kPerWord);
}

// Rounds to nearest even.
template <class T> __device__ inline uint4 pack(const float (&x)[kVectorElements<T>]) {
    constexpr int kPerWord = Elements<T>::kPerWord;
    return {Elements<T>::pack(x), Elements<T>::pack(x + kPerWord),
            Elements<T>::pack(x + 2 * kPerWord), Elements<T>::pack(x + 3 * kPerWord)};
}

template <class T> __device__ inline uint4 lowest_vector() {
    constexpr std::uint32_t kWord = Elements<T>::kLowestWord;
    return {kWord, kWord, kWord, kWord};
}

template <class T, int kVectors> __device__ inline float largest_of(const uint4 (&v)[kVectors]) {
    using E = Elements<T>;
    std::uint32_t word = E::kLowestWord;
#pragma unroll
    for (int i = 0; i < kVectors; ++i)
        word = E::max_word(word, E::max_word(E::max_word(v[i].x, v[i].y), E::max_word(v[i].z, v[i].w)));
    float x[E::kPerWord];
    E::unpack(word, x);
    return E::kPerWord == 1 ? x[0] : fmaxf(x[0], x[E::kPerWord - 1]);
}

} // namespace moescope::logprob
