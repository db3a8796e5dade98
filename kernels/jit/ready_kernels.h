// Kernels that have run before on a device, by what they were compiled for: a launch must not hash
// sources again.
#pragma once

#include "kernels/common/cuda_check.h"
#include "kernels/jit/compiler.h"
#include "kernels/jit/loader.h"

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string>
#include <tuple>

namespace moescope::jit {

template <class Shape> class ReadyKernels {
  public:
    // The kernel of `shape` on the current device; request_for(arch) says how to compile it.
    template <class RequestFor>
    ms_status find(const Shape &shape, int dynamic_smem_bytes, RequestFor request_for,
                   cudaKernel_t &kernel) {
        int device = 0;
        MS_CUDA_TRY(cudaGetDevice(&device));
        const std::tuple key{shape, device, edition()};
        {
            const std::shared_lock lock(mutex_);
            if (const auto found = kernels_.find(key); found != kernels_.end()) {
                kernel = found->second;
                return MS_OK;
            }
        }
        std::string arch;
        if (const ms_status status = current_arch(arch); status != MS_OK)
            return status;
        std::shared_ptr<const Cubin> cubin;
        if (const ms_status status = compile(request_for(arch), cubin); status != MS_OK)
            return status;
        if (const ms_status status = load(cubin, dynamic_smem_bytes, kernel); status != MS_OK)
            return status;
        const std::unique_lock lock(mutex_);
        kernels_.emplace(key, kernel);
        return MS_OK;
    }

  private:
    std::shared_mutex mutex_;
    std::map<std::tuple<Shape, int, std::string>, cudaKernel_t> kernels_; // by edition, too
};

} // namespace moescope::jit
