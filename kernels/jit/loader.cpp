#include "kernels/jit/loader.h"

#include "kernels/common/cuda_check.h"

#include <map>
#include <mutex>
#include <utility>

namespace moescope::jit {

namespace {

struct LoadedKernel {
    cudaLibrary_t library;
    cudaKernel_t kernel;
};

struct LoadedKernels {
    std::mutex mutex;
    std::map<std::pair<std::string, int>, LoadedKernel>
        by_key_and_device; // libraries live as long as the process
};

LoadedKernels &loaded_kernels() {
    static LoadedKernels all;
    return all;
}

ms_status check_smem(const Cubin &cubin, int dynamic_smem_bytes, int device) {
    int available = 0;
    MS_CUDA_TRY(
        cudaDeviceGetAttribute(&available, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    const int needed = dynamic_smem_bytes + cubin.resources.static_smem_bytes;
    if (needed > available)
        return fail(MS_UNSUPPORTED, cubin.kernel + " needs " + std::to_string(needed) +
                                        " bytes of shared memory a block; this device has " +
                                        std::to_string(available));
    return MS_OK;
}

ms_status load_library(const Cubin &cubin, int dynamic_smem_bytes, LoadedKernel &loaded) {
    MS_CUDA_TRY(cudaLibraryLoadData(&loaded.library, cubin.bytes.data(), nullptr, nullptr, 0,
                                    nullptr, nullptr, 0));
    MS_CUDA_TRY(cudaLibraryGetKernel(&loaded.kernel, loaded.library, cubin.kernel.c_str()));
    const void *function = loaded.kernel;
    MS_CUDA_TRY(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     dynamic_smem_bytes));
    // Tile kernels stream through shared memory and want nothing of the L1.
    MS_CUDA_TRY(cudaFuncSetAttribute(function, cudaFuncAttributePreferredSharedMemoryCarveout,
                                     cudaSharedmemCarveoutMaxShared));
    return MS_OK;
}

} // namespace

ms_status current_arch(std::string &arch) {
    int device = 0, major = 0, minor = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
    arch = "sm_" + std::to_string(major) + std::to_string(minor) + (major == 9 ? "a" : "");
    return MS_OK;
}

ms_status load(const std::shared_ptr<const Cubin> &cubin, int dynamic_smem_bytes,
               cudaKernel_t &kernel) {
    int device = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    const std::pair key{cubin->key, device};
    LoadedKernels &all = loaded_kernels();
    const std::scoped_lock lock(all.mutex);
    auto found = all.by_key_and_device.find(key);
    if (found == all.by_key_and_device.end()) {
        if (const ms_status status = check_smem(*cubin, dynamic_smem_bytes, device);
            status != MS_OK)
            return status;
        LoadedKernel loaded{};
        if (const ms_status status = load_library(*cubin, dynamic_smem_bytes, loaded);
            status != MS_OK) {
            if (loaded.library)
                cudaLibraryUnload(loaded.library);
            return status;
        }
        found = all.by_key_and_device.emplace(key, loaded).first;
    }
    kernel = found->second.kernel;
    return MS_OK;
}

} // namespace moescope::jit
