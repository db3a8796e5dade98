#include "profiler/worker/cuda/cublas.h"

#include <dlfcn.h>

namespace moescope {

namespace {

// cublas_api.h and library_types.h, of every version since 11.
constexpr int kNoTranspose = 0, kBf16 = 14, kCompute32F = 68, kDefaultAlgorithm = -1;

template <typename Function> Function symbol(void *file, const char *name) {
    return reinterpret_cast<Function>(dlsym(file, name));
}

} // namespace

Cublas::Cublas() {
    for (const char *name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so"})
        if ((file_ = dlopen(name, RTLD_NOW | RTLD_LOCAL))) {
            library_ = name;
            break;
        }
    if (!file_)
        return;
    const auto create = symbol<int (*)(void **)>(file_, "cublasCreate_v2");
    if (!create || create(&handle_) != 0)
        handle_ = nullptr;
}

Cublas::~Cublas() {
    if (handle_)
        symbol<int (*)(void *)>(file_, "cublasDestroy_v2")(handle_);
    // The library stays loaded: it may hold the CUDA context.
}

bool Cublas::multiply(const void *a, const void *b, void *c, int n, ms_stream stream) const {
    using SetStream = int (*)(void *, ms_stream);
    using Gemm = int (*)(void *, int, int, int, int, int, const void *, const void *, int, int,
                         const void *, int, int, const void *, void *, int, int, int, int);
    const auto set_stream = symbol<SetStream>(file_, "cublasSetStream_v2");
    const auto gemm = symbol<Gemm>(file_, "cublasGemmEx");
    const float one = 1, zero = 0;
    return set_stream && gemm && set_stream(handle_, stream) == 0 &&
           gemm(handle_, kNoTranspose, kNoTranspose, n, n, n, &one, a, kBf16, n, b, kBf16, n, &zero,
                c, kBf16, n, kCompute32F, kDefaultAlgorithm) == 0;
}

} // namespace moescope
