// Reading and writing a row 16 bytes at a time wherever it begins: elements up to the first 16-byte
// boundary, whole vectors, and the elements after them.
#pragma once

#include <cstdint>

namespace moescope::logprob {

constexpr int kVectorBytes = 16;

struct VectorSpan {
    int head;    // elements before the vectors
    int vectors; // whole ones

    template <class T> __device__ VectorSpan(const T *row, int elements) {
        const auto address = std::uint32_t(reinterpret_cast<std::uintptr_t>(row));
        head = min(int((0u - address) % kVectorBytes / sizeof(T)), elements);
        vectors = (elements - head) / int(kVectorBytes / sizeof(T));
    }
};

// Each vector is used once: it takes no room in the L1.
__device__ inline uint4 load_vector(const uint4 *from) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from));
    return v;
}

} // namespace moescope::logprob
