// The C functions: check, plan, compile or find the kernels, launch them.
#include "kernels/common/cuda_check.h"
#include "kernels/common/float_types.h"
#include "kernels/jit/compiler.h"
#include "kernels/jit/loader.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "kernels/scatter2scatter/scatter2scatter_params.jit.cuh"
#include "kernels/scatter2scatter/tile_configs.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

namespace moescope::scatter2scatter {

namespace {

static_assert(sizeof(Scatter2ScatterTile) == sizeof(ms_tile));

bool is_zero(const ms_tile_config &c) {
    return c.block_m == 0 && c.block_n == 0 && c.block_k == 0 && c.warps == 0 && c.stages == 0;
}

// The config to build: the default for all zero, else the caller's if it can be built.
ms_status resolve_config(const ms_scatter2scatter_args &args, ms_tile_config &config) {
    config = is_zero(args.config) ? default_config(args) : args.config;
    const std::string problem = config_problem(config);
    return problem.empty() ? MS_OK : fail(MS_INVALID_ARGUMENT, "ms_scatter2scatter: " + problem);
}

jit::Request request_for(const KernelShape &shape, const std::string &arch) {
    return {.source = "scatter2scatter.jit.cu",
            .kernel = kernel_name(shape),
            .defines = kernel_defines(shape),
            .arch = arch};
}

// ---- Launching -----------------------------------------------------------------------------------

struct ReadyKernel {
    cudaKernel_t kernel;
    int dynamic_smem_bytes;
    int threads;
};

// Kernels that have run before on a device: a launch must not hash sources again.
struct ReadyKernels {
    std::shared_mutex mutex;
    std::map<std::pair<KernelShape, int>, ReadyKernel> by_shape_and_device;
};

ReadyKernels &ready_kernels() {
    static ReadyKernels all;
    return all;
}

ms_status prepare(const KernelShape &shape, ReadyKernel &ready) {
    std::string arch;
    if (const ms_status status = jit::current_arch(arch); status != MS_OK)
        return status;
    std::shared_ptr<const jit::Cubin> cubin;
    if (const ms_status status = jit::compile(request_for(shape, arch), cubin); status != MS_OK)
        return status;
    ready = {.kernel = nullptr, .dynamic_smem_bytes = dynamic_smem_bytes(shape), .threads = 32 * shape.config.warps};
    return jit::load(cubin, ready.dynamic_smem_bytes, ready.kernel);
}

ms_status find_ready(const KernelShape &shape, ReadyKernel &ready) {
    int device = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    const std::pair key{shape, device};
    ReadyKernels &all = ready_kernels();
    {
        const std::shared_lock lock(all.mutex);
        if (const auto found = all.by_shape_and_device.find(key); found != all.by_shape_and_device.end()) {
            ready = found->second;
            return MS_OK;
        }
    }
    if (const ms_status status = prepare(shape, ready); status != MS_OK)
        return status;
    const std::unique_lock lock(all.mutex);
    all.by_shape_and_device.emplace(key, ready);
    return MS_OK;
}

ms_status launch(const KernelShape &shape, Scatter2ScatterParams &params, ms_stream stream) {
    params.n_tiles = (params.n + shape.config.block_n - 1) / shape.config.block_n;
    const std::int64_t blocks = std::int64_t(params.tile_count) * params.n_tiles;
    if (blocks > std::numeric_limits<std::int32_t>::max())
        return fail(MS_UNSUPPORTED, "ms_scatter2scatter: this call needs " + std::to_string(blocks) +
                                        " blocks; a launch has at most 2147483647: choose a larger block_n");
    ReadyKernel ready{};
    if (const ms_status status = find_ready(shape, ready); status != MS_OK)
        return status;
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(unsigned(blocks));
    config.blockDim = dim3(unsigned(ready.threads));
    config.dynamicSmemBytes = std::size_t(ready.dynamic_smem_bytes);
    config.stream = reinterpret_cast<cudaStream_t>(stream);
    void *arguments[] = {&params};
    MS_CUDA_TRY(cudaLaunchKernelExC(&config, ready.kernel, arguments));
    return MS_OK;
}

// ---- What each pass is told ----------------------------------------------------------------------

bool rows_on_16_bytes(const void *y, std::int64_t stride, bool f32) {
    return reinterpret_cast<std::uintptr_t>(y) % 16 == 0 && stride % (f32 ? 4 : 8) == 0;
}

Scatter2ScatterParams common_params(const ms_scatter2scatter_args &args, const ms_tile_config &config) {
    return {.x = args.x,
            .w = args.w,
            .lora_a = args.lora_a,
            .lora_b = args.lora_b,
            .bias = args.bias,
            .y = args.y,
            .sorted_slots = args.sorted_slots,
            .offsets = args.offsets,
            .tiles = reinterpret_cast<const Scatter2ScatterTile *>(args.tiles),
            .y_stride = args.y_stride,
            .x_stride_16b = unsigned(args.x_stride / 8),
            .k = args.k,
            .k_w = args.k,
            .n = args.n,
            .n_w = args.n,
            .rank = args.rank,
            .scaling = args.scaling,
            .top_k = args.top_k,
            .x_grouped = args.x_grouped != 0,
            .y_grouped = args.y_grouped != 0,
            .vector_stores = rows_on_16_bytes(args.y, args.y_stride, args.y_dtype == MS_F32),
            .tile_count = int(ms_max_tiles(args.slots, args.experts, config.block_m)),
            .n_tiles = 0};
}

// XA [S, xa_columns] by sorted position; its columns past the rank are zero.
Scatter2ScatterParams xa_params(const ms_scatter2scatter_args &args, Scatter2ScatterParams params) {
    params.w = args.lora_a;
    params.bias = nullptr;
    params.y = args.workspace;
    params.y_stride = xa_columns(args.rank);
    params.n = xa_columns(args.rank);
    params.n_w = args.rank;
    params.y_grouped = 1;
    params.vector_stores = 1;
    return params;
}

Scatter2ScatterParams b_params(const ms_scatter2scatter_args &args, Scatter2ScatterParams params) {
    params.x = args.workspace;
    params.x_stride_16b = unsigned(xa_columns(args.rank) / 8);
    params.x_grouped = 1;
    params.w = args.lora_b;
    params.bias = nullptr;
    params.k = xa_columns(args.rank);
    params.k_w = args.rank;
    return params;
}

Scatter2ScatterParams params_for(const ms_scatter2scatter_args &args, const ms_tile_config &config, Pass pass) {
    const Scatter2ScatterParams params = common_params(args, config);
    if (pass == Pass::kLoraXA)
        return xa_params(args, params);
    return pass == Pass::kLoraB ? b_params(args, params) : params;
}

// Row offsets inside the kernel are 32-bit counts of 16 bytes.
ms_status check_reach(const ms_scatter2scatter_args &args) {
    const std::int64_t rows = args.x_grouped ? args.slots : (args.slots + args.top_k - 1) / args.top_k;
    const std::int64_t most_rows = std::numeric_limits<std::uint32_t>::max() / (args.x_stride / 8);
    if (rows <= most_rows)
        return MS_OK;
    return fail(MS_UNSUPPORTED, "ms_scatter2scatter: x has " + std::to_string(rows) + " rows of stride " +
                                    std::to_string(args.x_stride) + "; at most " + std::to_string(most_rows) +
                                    " can be reached");
}

} // namespace

ms_status run(const ms_scatter2scatter_args *args, ms_stream stream) {
    ms_scatter2scatter_args full;
    if (const ms_status status = check_call(args, full); status != MS_OK)
        return status;
    if (full.slots == 0)
        return succeed();
    ms_tile_config config;
    if (const ms_status status = resolve_config(full, config); status != MS_OK)
        return status;
    if (!full.tiles)
        return fail(MS_INVALID_ARGUMENT, "ms_scatter2scatter: tiles is null; it must be a schedule of " +
                                             std::to_string(config.block_m) + " block rows");
    if (const ms_status status = check_reach(full); status != MS_OK)
        return status;
    for (const KernelShape &shape : plan_kernels(full, config)) {
        Scatter2ScatterParams params = params_for(full, config, shape.pass);
        if (const ms_status status = launch(shape, params, stream); status != MS_OK)
            return status;
    }
    return succeed();
}

ms_status compile_for(const ms_scatter2scatter_args *args, const char *arch_or_null, ms_tile_resources *resources) {
    ms_scatter2scatter_args full;
    if (const ms_status status = check_shape(args, full); status != MS_OK)
        return status;
    ms_tile_config config;
    if (const ms_status status = resolve_config(full, config); status != MS_OK)
        return status;
    std::string arch = arch_or_null ? arch_or_null : "";
    if (arch.empty())
        if (const ms_status status = jit::current_arch(arch); status != MS_OK)
            return status;
    ms_tile_resources worst{.from_cache = 1};
    for (const KernelShape &shape : plan_kernels(full, config)) {
        std::shared_ptr<const jit::Cubin> cubin;
        if (const ms_status status = jit::compile(request_for(shape, arch), cubin); status != MS_OK)
            return status;
        const jit::ResourceReport &report = cubin->resources;
        worst.registers = std::max(worst.registers, report.registers);
        worst.spill_bytes = std::max(worst.spill_bytes, report.spill_bytes);
        worst.stack_bytes = std::max(worst.stack_bytes, report.stack_bytes);
        worst.static_smem_bytes = std::max(worst.static_smem_bytes, report.static_smem_bytes);
        worst.dynamic_smem_bytes = std::max(worst.dynamic_smem_bytes, dynamic_smem_bytes(shape));
        worst.threads = std::max(worst.threads, 32 * shape.config.warps);
        worst.cubin_bytes = std::max(worst.cubin_bytes, int(cubin->bytes.size()));
        worst.from_cache = worst.from_cache && cubin->from_cache;
        worst.compile_ms += cubin->compile_ms;
    }
    if (resources)
        *resources = worst;
    return succeed();
}

} // namespace moescope::scatter2scatter

using namespace moescope;

extern "C" {

size_t ms_scatter2scatter_workspace_bytes(const ms_scatter2scatter_args *args) {
    ms_scatter2scatter_args full;
    if (scatter2scatter::check_shape(args, full) != MS_OK)
        return 0;
    return scatter2scatter::workspace_bytes(full);
}

ms_status ms_scatter2scatter_default_config(const ms_scatter2scatter_args *args, ms_tile_config *config) {
    ms_scatter2scatter_args full;
    if (const ms_status status = scatter2scatter::check_shape(args, full); status != MS_OK)
        return status;
    if (!config)
        return fail(MS_INVALID_ARGUMENT, "ms_scatter2scatter_default_config: config is null; it must be a place for one");
    *config = scatter2scatter::default_config(full);
    return succeed();
}

ms_status ms_scatter2scatter(const ms_scatter2scatter_args *args, ms_stream stream) {
    return scatter2scatter::run(args, stream);
}

ms_status ms_scatter2scatter_compile(const ms_scatter2scatter_args *args, const char *arch,
                                     ms_tile_resources *resources) {
    return scatter2scatter::compile_for(args, arch, resources);
}

} // extern "C"
