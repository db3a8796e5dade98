#include "profiler/tune/occupancy.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#ifdef MOESCOPE_CUDA
#include <cuda_occupancy.h>
#endif

using namespace moescope;
using namespace moescope::testing;

TEST_CASE("known cases on an H200") {
    const DeviceInfo h200 = h200_limits();
    CHECK(blocks_per_multiprocessor(h200, {1024, 32, 0}) == 2);       // threads
    CHECK(blocks_per_multiprocessor(h200, {32, 32, 0}) == 32);        // blocks
    CHECK(blocks_per_multiprocessor(h200, {128, 128, 0}) == 4);       // registers
    CHECK(blocks_per_multiprocessor(h200, {128, 32, 100 * 1024}) == 2); // shared memory
    CHECK(blocks_per_multiprocessor(h200, {128, 32, 232448}) == 1);
    CHECK(blocks_per_multiprocessor(h200, {128, 32, 232449}) == 0); // above the opt-in limit
    CHECK(blocks_per_multiprocessor(h200, {1024, 128, 0}) == 0);    // 131072 registers
    CHECK(blocks_per_multiprocessor(h200, {1025, 32, 0}) == 0);
    CHECK(blocks_per_multiprocessor(h200, {0, 32, 0}) == 0);
}

#ifdef MOESCOPE_CUDA
namespace {

cudaOccDeviceProp toolkit_device(const DeviceInfo &info) {
    cudaOccDeviceProp device;
    device.computeMajor = info.compute_major;
    device.computeMinor = info.compute_minor;
    device.maxThreadsPerBlock = info.max_threads_per_block;
    device.maxThreadsPerMultiprocessor = info.max_threads_per_sm;
    device.regsPerBlock = info.registers_per_block;
    device.regsPerMultiprocessor = info.registers_per_sm;
    device.warpSize = info.warp_size;
    device.sharedMemPerBlock = std::size_t(info.smem_per_block_bytes);
    device.sharedMemPerMultiprocessor = std::size_t(info.smem_per_sm_bytes);
    device.numSms = info.multiprocessors;
    device.sharedMemPerBlockOptin = std::size_t(info.smem_per_block_optin_bytes);
    device.reservedSharedMemPerBlock = 1024;
    return device;
}

int toolkit_blocks(const DeviceInfo &info, const BlockResources &block) {
    const cudaOccDeviceProp device = toolkit_device(info);
    cudaOccFuncAttributes function;
    function.maxThreadsPerBlock = info.max_threads_per_block;
    function.numRegs = block.registers;
    function.sharedSizeBytes = 0;
    function.partitionedGCConfig = PARTITIONED_GC_OFF;
    function.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
    function.maxDynamicSharedSizeBytes = std::size_t(info.smem_per_block_optin_bytes);
    cudaOccDeviceState state;
    state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
    cudaOccResult result;
    const cudaOccError status = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &function, &state,
                                                                        block.threads, std::size_t(block.smem_bytes));
    return status == CUDA_OCC_SUCCESS ? result.activeBlocksPerMultiprocessor : 0;
}

} // namespace

TEST_CASE("the count agrees with the toolkit's occupancy calculator") {
    DeviceInfo a100 = h200_limits();
    a100.compute_major = 8;
    a100.smem_per_sm_bytes = 167936;
    a100.smem_per_block_optin_bytes = 166912;
    DeviceInfo ada = a100;
    ada.compute_minor = 9;
    ada.max_threads_per_sm = 1536;
    ada.smem_per_sm_bytes = 102400;
    ada.smem_per_block_optin_bytes = 101376;
    for (const DeviceInfo &device : {h200_limits(), a100, ada})
        for (int threads : {32, 64, 96, 128, 160, 256, 512, 1024})
            for (int registers : {16, 32, 40, 63, 64, 96, 128, 168, 255})
                for (int smem : {0, 1000, 16384, 49152, 70000, 100000, 160000}) {
                    const BlockResources block{threads, registers, smem};
                    INFO(device.compute_major << "." << device.compute_minor << ": " << threads << " threads, "
                                              << registers << " registers, " << smem << " bytes");
                    CHECK(blocks_per_multiprocessor(device, block) == toolkit_blocks(device, block));
                }
}
#endif
