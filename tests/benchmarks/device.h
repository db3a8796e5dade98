// What a benchmark needs of the GPU: memory, inputs, and times that say what they are.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/inputs/inputs.h"
#include "profiler/worker/cuda/nvml.h"

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace moescope::bench {

// Both throw std::runtime_error: a benchmark that fails is reported as its row's failure.
void check(cudaError_t result, const char *call);
void check(ms_status status, const char *call);

// Device memory that lives as long as the row that made it.
class Memory {
  public:
    Memory() = default;
    ~Memory();
    Memory(Memory &&) = default;
    Memory(const Memory &) = delete;

    void *bytes(std::int64_t count); // 256-byte aligned, not initialised
    template <typename T> T *array(std::int64_t count) {
        return static_cast<T *>(bytes(count * std::int64_t(sizeof(T))));
    }
    // Normally distributed: every bit of a significand is random, and the matrix units draw the power
    // that they draw at work.
    void *normal(ms_dtype dtype, std::int64_t count, float deviation = 1);
    std::int64_t total() const { return total_; }

  private:
    std::vector<void *> blocks_;
    std::int64_t total_ = 0;
    std::uint32_t tensor_ = 0; // each array of inputs has its own values
};

struct Samples {
    std::vector<float> ns;    // as measured, in order
    int sm_clock_mhz = 0;     // while they ran; 0: not known
    std::uint64_t clock_event_reasons = 0; // what held it back, NVML's bits
};

struct Timing {
    int warmups = 10;
    int samples = 50;
    int launches = 1; // a sample: its time is that of all over their number
    double gap_us = 0; // of the device at rest, before each sample
};

// One launch of a row on one of its input sets.
using Launch = std::function<ms_status(int set, ms_stream stream)>;

// Samples between two CUDA events each, enqueued behind a kernel that waits until they are, so that no
// time of the host is in them. Launch i reads set i % sets. The L2 is flushed before the first sample,
// and before each where it has many launches (short ones, whose sets may all fit the L2) or a gap.
Samples time_launches(const Launch &launch, int sets, const Timing &timing);

// How many input sets of `bytes` each it takes until the L2 has forgotten the first one.
int sets_past_l2(std::int64_t bytes);

double median(std::vector<float> values);

struct DeviceFacts {
    std::string name, driver, runtime;
    int multiprocessors = 0, compute_major = 0, compute_minor = 0;
    std::int64_t l2_bytes = 0, smem_per_block_bytes = 0;
    std::string arch; // "sm_90a"
};
const DeviceFacts &device_facts();
const Nvml *nvml(); // null where there is none

ms_stream stream();

} // namespace moescope::bench
