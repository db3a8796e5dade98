#include "kernels/inputs/counter_hash.h"
#include "kernels/inputs/inputs.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace moescope {

namespace {

// Sums of two such numbers are exact in float32, whatever the order.
float round_to_1024th(double value) {
    return static_cast<float>(std::nearbyint(value * 1024.0) / 1024.0);
}

// Fisher-Yates. The 32-bit multiply-shift draw is biased by less than experts / 2^32.
std::vector<std::int32_t> permutation(std::int32_t count, std::uint64_t seed) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    const std::uint64_t key = hash_key(seed, kPermutationStream);
    for (std::int32_t i = count - 1; i > 0; --i) {
        const std::uint64_t draw = hash_at(key, static_cast<std::uint64_t>(i)) >> 32;
        const auto j = static_cast<std::size_t>((draw * (static_cast<std::uint64_t>(i) + 1)) >> 32);
        std::swap(order[static_cast<std::size_t>(i)], order[j]);
    }
    return order;
}

} // namespace

void make_log_popularity(std::int32_t experts, double zipf_exponent, std::uint64_t seed,
                         float *out) {
    const std::vector<std::int32_t> order = permutation(experts, seed);
    for (std::int32_t rank = 0; rank < experts; ++rank)
        out[order[static_cast<std::size_t>(rank)]] =
            round_to_1024th(0.0 - zipf_exponent * std::log(rank + 1.0));
}

void make_gumbel_table(float *out) {
    for (int i = 0; i < 65536; ++i)
        out[i] = round_to_1024th(-std::log(-std::log((i + 0.5) / 65536.0)));
}

} // namespace moescope
