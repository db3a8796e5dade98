#include "profiler/worker/cuda/matrix_rate.h"

#include "kernels/inputs/inputs.h"
#include "profiler/base/try.h"
#include "profiler/worker/cuda/cublas.h"
#include "profiler/worker/cuda/cuda_info.h"
#include "profiler/worker/operators/kernel_call.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

namespace moescope {

namespace {

constexpr int kSize = 8192;
constexpr double kFlops = 2.0 * kSize * kSize * kSize;
constexpr int kPasses = 8;

struct FreeMemory {
    void operator()(void *data) const { cudaFree(data); }
};
using Memory = std::unique_ptr<void, FreeMemory>;

Status allocate(Memory &memory, std::size_t bytes) {
    void *data = nullptr;
    MOESCOPE_TRY(cuda_check(cudaMalloc(&data, bytes), "cudaMalloc"));
    memory.reset(data);
    return {};
}

Status random_matrix(Memory &memory, std::uint32_t tensor, float scale) {
    constexpr std::int64_t kCount = std::int64_t(kSize) * kSize;
    MOESCOPE_TRY(allocate(memory, kCount * 2));
    const FillUniformArgs args{memory.get(), MS_BF16, kCount, /*seed=*/1, tensor, scale};
    return kernel_status(fill_uniform(&args, nullptr), "filling a matrix");
}

class DenseProduct {
  public:
    Status prepare() {
        MOESCOPE_TRY(random_matrix(x_, 1, 1));
        MOESCOPE_TRY(random_matrix(w_, 2, 1.0f / 64));
        MOESCOPE_TRY(allocate(y_, std::size_t(kSize) * kSize * 2));
        args_.struct_size = sizeof args_;
        args_.dtype = args_.y_dtype = MS_BF16;
        args_.k = args_.n = kSize;
        args_.x_stride = args_.y_stride = kSize;
        args_.slots = kSize;
        args_.experts = args_.top_k = 1;
        args_.x = x_.get();
        args_.w = w_.get();
        args_.y = y_.get();
        MOESCOPE_TRY(kernel_status(ms_scatter2scatter_default_config(&args_, &args_.config), "choosing a tile"));
        return make_routing();
    }
    Status launch() const { return kernel_status(ms_scatter2scatter(&args_, nullptr), "the dense product"); }
    Status launch(const Cublas &cublas) const {
        if (cublas.multiply(x_.get(), w_.get(), y_.get(), kSize, nullptr))
            return {};
        return Error{"cuBLAS's dense product", cublas.library() + " refuses it", ""};
    }

  private:
    // Every row is the one expert's, in its own place.
    Status make_routing() {
        std::vector<std::int32_t> indices(kSize + 2);
        std::iota(indices.begin(), indices.begin() + kSize, 0);
        indices[kSize + 1] = kSize; // offsets: 0 and the number of rows
        MOESCOPE_TRY(allocate(indices_, indices.size() * 4));
        MOESCOPE_TRY(cuda_check(cudaMemcpy(indices_.get(), indices.data(), indices.size() * 4, cudaMemcpyHostToDevice),
                                "cudaMemcpy"));
        args_.sorted_slots = static_cast<std::int32_t *>(indices_.get());
        args_.offsets = args_.sorted_slots + kSize;
        const std::int32_t rows = args_.config.block_m;
        MOESCOPE_TRY(allocate(tiles_, std::size_t(ms_max_tiles(kSize, 1, rows)) * sizeof(ms_tile)));
        args_.tiles = static_cast<ms_tile *>(tiles_.get());
        ms_tile_schedule_args schedule{};
        schedule.struct_size = sizeof schedule;
        schedule.experts = 1;
        schedule.offsets = args_.offsets;
        schedule.slots = kSize;
        schedule.block_rows = rows;
        schedule.tiles = static_cast<ms_tile *>(tiles_.get());
        return kernel_status(ms_tile_schedule(&schedule, nullptr), "scheduling tiles");
    }

    Memory x_, w_, y_, indices_, tiles_;
    ms_scatter2scatter_args args_{};
};

template <typename Launch> Result<double> seconds_of(Launch launch, cudaEvent_t begin, cudaEvent_t end) {
    MOESCOPE_TRY(cuda_check(cudaEventRecord(begin, nullptr), "cudaEventRecord"));
    MOESCOPE_TRY(launch());
    MOESCOPE_TRY(cuda_check(cudaEventRecord(end, nullptr), "cudaEventRecord"));
    MOESCOPE_TRY(cuda_check(cudaEventSynchronize(end), "the dense product"));
    float milliseconds = 0;
    MOESCOPE_TRY(cuda_check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime"));
    return milliseconds * 1e-3;
}

template <typename Launch> Result<double> best_rate(Launch launch) {
    cudaEvent_t begin = nullptr, end = nullptr;
    MOESCOPE_TRY(cuda_check(cudaEventCreate(&begin), "cudaEventCreate"));
    const std::unique_ptr<CUevent_st, decltype(&cudaEventDestroy)> first(begin, cudaEventDestroy);
    MOESCOPE_TRY(cuda_check(cudaEventCreate(&end), "cudaEventCreate"));
    const std::unique_ptr<CUevent_st, decltype(&cudaEventDestroy)> second(end, cudaEventDestroy);
    MOESCOPE_TRY(launch()); // loads the kernel
    double best = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        const Result<double> seconds = seconds_of(launch, begin, end);
        MOESCOPE_TRY(seconds);
        if (*seconds > 0)
            best = std::max(best, kFlops / *seconds);
    }
    return best;
}

} // namespace

Result<double> measure_matrix_rate() {
    DenseProduct product;
    MOESCOPE_TRY(product.prepare());
    const Result<double> own = best_rate([&] { return product.launch(); });
    MOESCOPE_TRY(own);
    const Cublas cublas;
    if (!cublas.ready())
        return own;
    const Result<double> library = best_rate([&] { return product.launch(cublas); });
    return library ? std::max(*own, *library) : *own;
}

} // namespace moescope
