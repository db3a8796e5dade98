#include "kernels/dequant/nf4.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace moescope {

namespace {

// Index of the code value nearest to x; halfway, the lower one.
template <std::size_t kSize> std::uint8_t nearest(const std::array<float, kSize> &code, float x) {
    const auto above = std::lower_bound(code.begin(), code.end(), x);
    if (above == code.begin())
        return 0;
    if (above == code.end())
        return std::uint8_t(kSize - 1);
    const auto index = above - code.begin();
    const double middle = (double(*above) + double(*(above - 1))) / 2;
    return std::uint8_t(double(x) > middle ? index : index - 1);
}

std::vector<float> block_maxima(const float *values, std::int64_t count, std::int64_t block) {
    std::vector<float> maxima(std::size_t((count + block - 1) / block));
    for (std::int64_t i = 0; i < count; ++i) {
        float &maximum = maxima[std::size_t(i / block)];
        maximum = std::max(maximum, std::fabs(values[i]));
    }
    return maxima;
}

// A block of nothing but zeros keeps absmax 0; its elements then get the code of 0.
float scaled(float value, float absmax) { return absmax > 0 ? value / absmax : 0.0f; }

void nest(Nf4Array &array, std::int32_t nested_block) {
    std::vector<float> &absmax = array.absmax;
    const double sum = std::accumulate(absmax.begin(), absmax.end(), 0.0);
    array.nested_offset = absmax.empty() ? 0.0f : float(sum / double(absmax.size()));
    for (float &value : absmax)
        value -= array.nested_offset;
    const std::array<float, 256> code = make_dynamic_code();
    array.nested_code.assign(code.begin(), code.end());
    array.nested_block = nested_block;
    array.nested_absmax = block_maxima(absmax.data(), std::int64_t(absmax.size()), nested_block);
    array.absmax_u8.resize(absmax.size());
    for (std::size_t i = 0; i < absmax.size(); ++i)
        array.absmax_u8[i] =
            nearest(code, scaled(absmax[i], array.nested_absmax[i / std::size_t(nested_block)]));
    absmax.clear();
}

} // namespace

std::array<float, 256> make_dynamic_code() {
    std::array<float, 256> code{};
    std::size_t at = 0;
    code[at++] = 0.0f;
    code[at++] = 1.0f;
    for (int i = 0; i < 7; ++i)
        for (int j = 0; j < 1 << i; ++j) {
            const double value = std::pow(10.0, i - 6) * (0.1 + 0.9 * (j + 0.5) / (1 << i));
            code[at++] = float(value);
            code[at++] = float(-value);
        }
    std::sort(code.begin(), code.end());
    return code;
}

Nf4Array quantize_nf4(const float *values, std::int64_t count, std::int32_t block_size,
                      std::int32_t nested_block) {
    Nf4Array array;
    array.block_size = block_size;
    array.absmax = block_maxima(values, count, block_size);
    array.packed.resize(std::size_t((count + 1) / 2));
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint8_t nibble =
            nearest(kNf4Code, scaled(values[i], array.absmax[std::size_t(i / block_size)]));
        array.packed[std::size_t(i / 2)] |= std::uint8_t(i % 2 == 0 ? nibble << 4 : nibble);
    }
    if (count % 2 != 0) // the half byte left over stands for 0
        array.packed.back() |= nearest(kNf4Code, 0.0f);
    if (nested_block > 0)
        nest(array, nested_block);
    return array;
}

ms_expert_weights Nf4Array::view(std::int32_t experts, std::int64_t expert_numel) const {
    ms_expert_weights weights{};
    weights.format = MS_WEIGHTS_NF4;
    weights.values = packed.data();
    weights.code = kNf4Code.data();
    weights.block_size = block_size;
    weights.experts = experts;
    weights.expert_numel = expert_numel;
    if (nested_block == 0) {
        weights.absmax = absmax.data();
        return weights;
    }
    weights.absmax_u8 = absmax_u8.data();
    weights.nested_code = nested_code.data();
    weights.nested_absmax = nested_absmax.data();
    weights.nested_offset = nested_offset;
    weights.nested_block = nested_block;
    return weights;
}

} // namespace moescope
