#include "profiler/worker/cuda/launch_time.h"

namespace moescope {

namespace {

__global__ void empty() {}

__global__ void hold(unsigned long long nanoseconds) {
    unsigned long long begin, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
    do
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    while (now - begin < nanoseconds);
}

} // namespace

void launch_empty(cudaStream_t stream) { empty<<<1, 1, 0, stream>>>(); }

void launch_hold(unsigned long long nanoseconds, cudaStream_t stream) { hold<<<1, 1, 0, stream>>>(nanoseconds); }

} // namespace moescope
