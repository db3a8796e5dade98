// Decoding quantised weights, for kernels compiled by nvcc and by NVRTC alike (no header is needed).
// The formats are those of moescope/dequant.h; value = code * scale, in float32, rounded once.
//
// Four-bit codes come eight to a 32-bit word: byte b holds elements 2b and 2b + 1, the even one in
// the high nibble (NF4, FP4) or in the low one (MXFP4). E4M3 comes four to a word.
#pragma once

namespace moescope::decode {

// In host tables of 16 floats: kernels/dequant/weight_formats.h.
inline constexpr int kCodes = 16;

// A 16-entry code table in shared memory, once for every lane: value v of a lane's copy lies in the
// lane's own bank, so that 32 lanes reading 32 different values never conflict.
struct alignas(16) CodeTable {
    float values[kCodes * 32];

    // By the block's first 128 threads or more, 16 bytes each; a barrier must follow. `code`: any
    // array-like of 16 floats.
    template <class Code> __device__ void fill(const Code &code, int thread) {
        if (thread < kCodes * 8) {
            const float value = code[thread / 8];
            reinterpret_cast<float4 *>(values)[thread] = {value, value, value, value};
        }
    }

    // The code of the nibble at bit kShift of word; lane_bytes is 4 * lane. The address is one shift
    // and one three-input logic operation.
    template <int kShift> __device__ float at(unsigned word, unsigned lane_bytes) const {
        const unsigned moved = kShift >= 7 ? word >> (kShift - 7) : word << (7 - kShift);
        return *reinterpret_cast<const float *>(reinterpret_cast<const char *>(values) +
                                                ((moved & 0x780u) | lane_bytes));
    }
};

// The same table in a warp's registers, lane l holding code l % 16: nothing to fill and no barrier to
// wait at, but all 32 lanes look up together.
struct LaneCodes {
    float mine;

    template <int kShift> __device__ float at(unsigned word, unsigned) const {
        return __shfl_sync(~0u, mine, int(word >> kShift), kCodes); // of the index, the low 4 bits
    }
};

enum class NibbleOrder { HighFirst, LowFirst };

// The eight values of a word of 4-bit codes, in order.
template <NibbleOrder kOrder, class Table>
__device__ inline void four_bit_values(unsigned word, float scale, const Table &table,
                                       unsigned lane_bytes, float (&out)[8]) {
    constexpr int kEven = kOrder == NibbleOrder::HighFirst ? 4 : 0, kOdd = 4 - kEven;
    out[0] = table.template at<kEven>(word, lane_bytes) * scale;
    out[1] = table.template at<kOdd>(word, lane_bytes) * scale;
    out[2] = table.template at<8 + kEven>(word, lane_bytes) * scale;
    out[3] = table.template at<8 + kOdd>(word, lane_bytes) * scale;
    out[4] = table.template at<16 + kEven>(word, lane_bytes) * scale;
    out[5] = table.template at<16 + kOdd>(word, lane_bytes) * scale;
    out[6] = table.template at<24 + kEven>(word, lane_bytes) * scale;
    out[7] = table.template at<24 + kOdd>(word, lane_bytes) * scale;
}

// E4M3 without infinities to float32, exactly. In software: the bits as a float's exponent and
// mantissa, times 2^120 for the difference of the biases (subnormals too); 0x7F and 0xFF are NaN.
__device__ inline float e4m3_value(unsigned byte) {
    const float magnitude = __uint_as_float((byte & 0x7fu) << 20) * __uint_as_float(247u << 23);
    const unsigned bits = (byte & 0x7fu) == 0x7fu ? 0x7fffffffu : __float_as_uint(magnitude);
    return __uint_as_float(bits | (byte & 0x80u) << 24);
}

// The four values of a word of E4M3.
__device__ inline void e4m3_values(unsigned word, float scale, float *out) {
#if __CUDA_ARCH__ >= 890
    unsigned low, high; // two float16 each
    asm("{\n\t.reg .b16 a, b;\n\tmov.b32 {a, b}, %2;\n\tcvt.rn.f16x2.e4m3x2 %0, a;\n\t"
        "cvt.rn.f16x2.e4m3x2 %1, b;\n\t}"
        : "=r"(low), "=r"(high)
        : "r"(word));
    const auto widen = [](unsigned pair, float &first, float &second) {
        asm("{\n\t.reg .b16 a, b;\n\tmov.b32 {a, b}, %2;\n\tcvt.f32.f16 %0, a;\n\tcvt.f32.f16 %1, b;\n\t}"
            : "=f"(first), "=f"(second)
            : "r"(pair));
    };
    widen(low, out[0], out[1]);
    widen(high, out[2], out[3]);
#else
    for (int i = 0; i < 4; ++i)
        out[i] = e4m3_value(word >> (8 * i) & 0xffu);
#endif
    for (int i = 0; i < 4; ++i)
        out[i] *= scale;
}

// E8M0: 2^(bits - 127), subnormal for 0; 255 is NaN.
__device__ inline float e8m0_value(unsigned bits) {
    return __uint_as_float(bits == 0 ? 1u << 22 : bits == 255 ? 0x7fffffffu : bits << 23);
}

// The scale of a nested block: two roundings, as bitsandbytes has them, never a fused
// multiply-add.
__device__ inline float nested_scale(float code, float nested_absmax, float offset) {
    return __fadd_rn(__fmul_rn(code, nested_absmax), offset);
}

// Two values as bfloat16 or float16, the first in the low half; to nearest, ties to even.
__device__ inline unsigned bf16_pair(float first, float second) {
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
}
__device__ inline unsigned f16_pair(float first, float second) {
    unsigned pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
}

} // namespace moescope::decode
