// FNV-1a over bytes, and the sums that the generated inputs of inputs_test.cpp must have for ever:
// a changed sum means that sessions recorded earlier can no longer be reproduced.
#pragma once

#include <cstddef>
#include <cstdint>

inline std::uint64_t checksum(const void *data, std::size_t bytes) {
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (std::size_t i = 0; i < bytes; ++i)
        hash = (hash ^ static_cast<const unsigned char *>(data)[i]) * 0x100000001b3ull;
    return hash;
}

constexpr std::uint64_t kUniformChecksum = 0x4c7b1b2d34aab4bdull;
constexpr std::uint64_t kBytesChecksum = 0x1d5730a92f31adbaull;
constexpr std::uint64_t kLogitsChecksum = 0xf07655f425550dd3ull;
