// Runs a CUDA thread block on the host: every thread is a fiber, and only one runs at a time.
// Enough of CUDA for the tile kernels, and strict where they can go wrong: shared memory is
// poisoned and bounds are checked, and a cp.async copy happens either the moment it is issued or
// only when its thread waits for it, so that a pipeline that waits too little, or fills a stage
// that is still being read, gives wrong results. A warp runs as far ahead of the others as barriers
// allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace moescope::emulation {

enum class CopyTime { kAtIssue, kAtWait };
// Which warp goes first after a barrier: opposite orders show a missing one.
enum class Order { kAscending, kDescending };

struct BlockSetup {
    int threads = 32;
    int smem_bytes = 0;
    CopyTime copies = CopyTime::kAtWait;
    Order order = Order::kAscending;
};

// Runs `body` as every thread of blocks 0 .. blocks-1. "" if all went well, else what went wrong:
// an access outside shared memory, a misaligned one, or threads that wait for each other for ever.
std::string run_grid(int blocks, const BlockSetup &setup, const std::function<void()> &body);

// ---- What emulated kernel code calls
// -------------------------------------------------------------

inline constexpr std::size_t kSharedBytes = 256 * 1024;
// Its symbol is fixed: a kernel's own `extern __shared__` array is declared with it too.
extern unsigned char shared_memory[kSharedBytes] __asm__("moescope_emulated_shared_memory");

struct Index {
    unsigned x;
};
extern Index thread_index, block_index;

void sync_threads();
void sync_warp();

// Shared memory at a checked address.
unsigned char *shared_at(std::uint32_t address, int bytes);

void cp_async(std::uint32_t shared, const void *global, bool valid);
void cp_async_commit();
void cp_async_wait(int pending);

// ldmatrix reads the 8 rows of a matrix at once: counts the times two of them share a 16-byte bank
// group.
void count_conflicts(const std::uint32_t (&row_addresses)[8]);
extern long long bank_conflicts; // since the program began

// Gives every lane of the warp the words of all its lanes: words[lane][i].
inline constexpr int kMostWords = 6;
using WarpWords = std::uint32_t[32][kMostWords];
const WarpWords &exchange(const std::uint32_t *words, int count);

} // namespace moescope::emulation
