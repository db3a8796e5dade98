#include "profiler/tune/prune.h"

#include "profiler/tune/occupancy.h"

#include <fmt/format.h>

namespace moescope {

std::string prune_reason(const DeviceInfo &device, Candidate &candidate) {
    if (candidate.smem_bytes > device.smem_per_block_optin_bytes)
        return fmt::format("needs {} bytes of shared memory a block; {} allows {}", candidate.smem_bytes, device.name,
                           device.smem_per_block_optin_bytes);
    if (candidate.threads == 0)
        return ""; // not compiled yet
    candidate.blocks_per_sm =
        blocks_per_multiprocessor(device, {candidate.threads, candidate.registers, candidate.smem_bytes});
    if (candidate.spill_bytes > 0)
        return fmt::format("spills {} bytes of registers to memory", candidate.spill_bytes);
    if (candidate.blocks_per_sm == 0)
        return fmt::format("{} threads of {} registers do not fit a multiprocessor with {} registers", candidate.threads,
                           candidate.registers, device.registers_per_sm);
    return "";
}

} // namespace moescope
