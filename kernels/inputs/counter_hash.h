// The counter-based hash behind every generated input. The same code on host and device, integers
// only, so that both give the same bits. Finaliser: SplitMix64 (Steele, Lea, Flood: "Fast
// splittable pseudorandom number generators", OOPSLA 2014).
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define MS_HOST_DEVICE __host__ __device__
#else
#define MS_HOST_DEVICE
#endif

namespace moescope {

MS_HOST_DEVICE constexpr std::uint64_t mix64(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// The key of one stream of numbers: (seed, tensor).
MS_HOST_DEVICE constexpr std::uint64_t hash_key(std::uint64_t seed, std::uint32_t tensor) {
    return mix64(mix64(seed + 0x9e3779b97f4a7c15ull) + tensor * 0xd1b54a32d192ed03ull);
}

// Number `counter` of a stream: 64 uniform bits.
MS_HOST_DEVICE constexpr std::uint64_t hash_at(std::uint64_t key, std::uint64_t counter) {
    return mix64(key + (counter + 1) * 0x9e3779b97f4a7c15ull);
}

// One hash serves 8 bytes: byte i of a stream.
MS_HOST_DEVICE constexpr std::uint8_t byte_of(std::uint64_t hash, int i) {
    return static_cast<std::uint8_t>(hash >> (8 * i));
}

// A byte as a multiple of scale / 128 in [-scale, scale).
MS_HOST_DEVICE constexpr float uniform_of(std::uint8_t byte, float step) {
    return static_cast<float>(static_cast<std::int8_t>(byte)) * step;
}

// The tensor numbers that the generators below keep for themselves.
constexpr std::uint32_t kPermutationStream = 0xffff0001u;
constexpr std::uint32_t kGumbelStream = 0xffff0002u;
constexpr std::uint32_t kHotStream = 0xffff0003u;

// log p(e) + Gumbel noise. `index` is token * experts + expert; one hash serves 4 table indices.
MS_HOST_DEVICE inline float gumbel_logit(float log_popularity, const float *gumbel_table,
                                         std::uint64_t key, std::int64_t index) {
    const std::uint64_t hash = hash_at(key, static_cast<std::uint64_t>(index) / 4);
    return log_popularity + gumbel_table[(hash >> (16 * (index % 4))) & 0xffff];
}

// A token is hot if the low 24 bits of its hash are below the threshold; expert 0 then gains
// kHotBonus, more than any spread of the table (-2.5..11.8) can undo.
constexpr float kHotBonus = 64.0f;
constexpr std::uint32_t hot_threshold(float hot_share) {
    return static_cast<std::uint32_t>(hot_share * 16777216.0f);
}
MS_HOST_DEVICE constexpr bool is_hot(std::uint64_t key, std::int64_t token,
                                     std::uint32_t threshold) {
    return (hash_at(key, static_cast<std::uint64_t>(token)) & 0xffffff) < threshold;
}

} // namespace moescope
