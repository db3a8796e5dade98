// A workload: a shape and everything else that decides inputs, bytes and FLOPs. The same workload
// gives the same input bits on every run and machine.
#pragma once

#include "profiler/base/result.h"
#include "profiler/model/model_shape.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace moescope {

struct Skew {
    enum class Kind { Uniform, Zipf, Hot };
    Kind kind = Kind::Uniform;
    double value = 0.0; // Zipf: exponent S, 0 < S <= 4; Hot: share F of tokens whose first choice is expert 0, 0 < F <= 1

    std::string text() const; // "uniform", "zipf:1.2", "hot:0.5"
    friend bool operator==(const Skew &, const Skew &) = default;
};
Result<Skew> parse_skew(std::string_view text);

// How expert weights are kept; ms_weight_format says each one's layout.
enum class QuantFormat { NF4, FP4, FP8Tensor, FP8Row, FP8Block, MXFP4 };
inline constexpr int kQuantFormatCount = 6;
constexpr const char *name_of(QuantFormat format) {
    constexpr const char *kNames[kQuantFormatCount] = {"nf4",     "fp4",       "fp8_tensor",
                                                       "fp8_row", "fp8_block", "mxfp4"};
    const auto index = unsigned(format);
    return index < unsigned(kQuantFormatCount) ? kNames[index] : "unknown";
}
// The error lists the names there are; `field` begins it.
Result<QuantFormat> quant_format_of(std::string_view field, std::string_view name);

struct Workload {
    ModelShape model;
    std::int64_t tokens = 2048;         // T: 1..1048576
    std::int32_t lora_rank = 16;        // R: 0 (no LoRA)..256
    double lora_scaling = 2.0;          // alpha / R
    Skew skew;
    std::uint64_t seed = 1;
    QuantFormat quant_format = QuantFormat::NF4;
    std::int32_t quant_block = 64;      // NF4 and FP4 block size: power of two, 32..4096
    std::int32_t nested_block = 256;    // of their nested absmax

    std::int64_t slots() const { return tokens * model.top_k; }
    friend bool operator==(const Workload &, const Workload &) = default;
};
Status validate(const Workload &workload);

} // namespace moescope
