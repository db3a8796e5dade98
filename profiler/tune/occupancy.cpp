#include "profiler/tune/occupancy.h"

#include <algorithm>

namespace moescope {

namespace {

constexpr std::int64_t kPartitions = 4;           // of a multiprocessor, each with its own registers
constexpr std::int64_t kRegisterGranularity = 256; // a warp's registers are rounded up to it
constexpr std::int64_t kSmemGranularity = 128;
constexpr std::int64_t kReservedSmem = 1024; // a block, by the system

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

std::int64_t limit_by_registers(const DeviceInfo &device, const BlockResources &block, std::int64_t warps) {
    if (block.registers == 0)
        return most_blocks_per_multiprocessor(device.compute_major, device.compute_minor);
    const std::int64_t a_warp = round_up(std::int64_t(block.registers) * device.warp_size, kRegisterGranularity);
    // Whether one block fits is asked of warps spread evenly over the partitions.
    if (a_warp * round_up(warps, kPartitions) > device.registers_per_block)
        return 0;
    const std::int64_t warps_a_partition = device.registers_per_sm / kPartitions / a_warp;
    return warps_a_partition * kPartitions / warps;
}

std::int64_t limit_by_smem(const DeviceInfo &device, const BlockResources &block) {
    if (block.smem_bytes > device.smem_per_block_optin_bytes)
        return 0;
    return device.smem_per_sm_bytes / round_up(block.smem_bytes + kReservedSmem, kSmemGranularity);
}

} // namespace

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
std::int32_t most_blocks_per_multiprocessor(std::int32_t compute_major, std::int32_t compute_minor) {
    if (compute_major == 8 && compute_minor != 0)
        return compute_minor == 9 ? 24 : 16;
    return compute_major == 12 ? 24 : 32;
}

std::int32_t blocks_per_multiprocessor(const DeviceInfo &device, const BlockResources &block) {
    if (block.threads <= 0 || block.threads > device.max_threads_per_block)
        return 0;
    const std::int64_t warps = (block.threads + device.warp_size - 1) / device.warp_size;
    const std::int64_t by_warps = device.max_threads_per_sm / device.warp_size / warps;
    const std::int64_t most = most_blocks_per_multiprocessor(device.compute_major, device.compute_minor);
    return std::int32_t(std::min({by_warps, most, limit_by_registers(device, block, warps), limit_by_smem(device, block)}));
}

} // namespace moescope
