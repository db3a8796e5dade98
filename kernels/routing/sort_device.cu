#include "kernels/routing/sort_launch.cuh"

#include <mutex>
#include <unordered_map>

namespace moescope {

namespace {

// Stands for the kernels that sort: whether clusters of the largest size are there does not depend on
// which.
__global__ void __launch_bounds__(kMaxSortThreads, 1) fill_a_block() {}

bool compiled_for_clusters() {
    cudaFuncAttributes attributes{};
    return cudaFuncGetAttributes(&attributes, fill_a_block) == cudaSuccess &&
           attributes.ptxVersion >= 90;
}

// A slice of a GPU may have too few processors side by side.
bool largest_cluster_fits(std::size_t shared_bytes) {
    cudaLaunchAttribute attribute{};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {unsigned(kMaxClusterBlocks), 1, 1};
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(unsigned(kMaxClusterBlocks));
    config.blockDim = dim3(unsigned(kMaxSortThreads));
    config.dynamicSmemBytes = shared_bytes;
    config.attrs = &attribute;
    config.numAttrs = 1;
    int at_once = 0;
    const bool known =
        cudaFuncSetAttribute(fill_a_block, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             int(shared_bytes)) == cudaSuccess &&
        cudaFuncSetAttribute(fill_a_block, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) ==
            cudaSuccess &&
        cudaOccupancyMaxActiveClusters(&at_once, fill_a_block, &config) == cudaSuccess;
    if (!known)
        cudaGetLastError(); // a device without is no error; one that was there before stays
    return known && at_once > 0;
}

ms_status look_at(SortDevice &device) {
    int shared_bytes = 0, clusters = 0;
    MS_CUDA_TRY(cudaDeviceGetAttribute(&device.processors, cudaDevAttrMultiProcessorCount,
                                       device.index));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                       device.index));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&clusters, cudaDevAttrClusterLaunch, device.index));
    device.shared_bytes = std::size_t(shared_bytes);
    device.clusters =
        clusters && compiled_for_clusters() && largest_cluster_fits(device.shared_bytes);
    return MS_OK;
}

} // namespace

ms_status find_sort_device(SortDevice &device) {
    static std::mutex mutex;
    static std::unordered_map<int, SortDevice> known;
    MS_CUDA_TRY(cudaGetDevice(&device.index));
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(device.index); found != known.end()) {
        device = found->second;
        return MS_OK;
    }
    if (const ms_status status = look_at(device); status != MS_OK)
        return status;
    known.emplace(device.index, device);
    return MS_OK;
}

} // namespace moescope
