// The C functions: check, plan, compile or find the kernels, launch them.
#include "kernels/common/cuda_check.h"
#include "kernels/common/no_throw.h"
#include "kernels/jit/compiler.h"
#include "kernels/jit/ready_kernels.h"
#include "kernels/jit/tensor_map.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/launch_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "kernels/scatter2scatter/wgmma_plan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace moescope::scatter2scatter {

namespace {

bool is_zero(const ms_tile_config &c) {
    return c.block_m == 0 && c.block_n == 0 && c.block_k == 0 && c.warps == 0 && c.stages == 0 &&
           c.family == 0;
}

// The config to build: the default for all zero, else the caller's if it can be built.
ms_status resolve_config(const ms_scatter2scatter_args &args, const std::string &arch,
                         ms_tile_config &config) {
    config = is_zero(args.config) ? default_config(args, arch) : args.config;
    const std::string problem = config_problem(args, config, arch);
    return problem.empty() ? MS_OK : fail(MS_INVALID_ARGUMENT, "ms_scatter2scatter: " + problem);
}

jit::Request request_for(const KernelShape &shape, const std::string &arch) {
    return {.source = kernel_source(shape),
            .kernel = kernel_name(shape),
            .defines = kernel_defines(shape),
            .arch = arch};
}

// ---- Launching
// -----------------------------------------------------------------------------------

ms_status find_ready(const KernelShape &shape, cudaKernel_t &kernel) {
    static jit::ReadyKernels<KernelShape> ready;
    const auto request = [&](const std::string &arch) { return request_for(shape, arch); };
    return ready.find(shape, dynamic_smem_bytes(shape), request, kernel);
}

// What the copy engine is told of W, of B, of X with grouped rows and of XA; a map that the kernel has
// no use for stays empty.
struct TensorMaps {
    jit::TensorMap w, b, x, xa;
};

ms_status make_maps(const ms_scatter2scatter_args &args, const Launch &launch, TensorMaps &maps) {
    const KernelShape &shape = launch.shape;
    const auto experts = std::uint64_t(args.experts), n = std::uint64_t(args.n);
    // A matrix an expert, rows along k or along n: boxes are rows of 64 elements.
    const auto encode = [&](jit::TensorMap &map, const void *data, bool rows_along_k,
                            std::uint64_t depth) {
        jit::TensorLayout layout{.dtype = args.dtype, .data = data};
        layout.sizes = {rows_along_k ? depth : n, rows_along_k ? n : depth, experts};
        layout.row_elements = layout.sizes[0];
        layout.box_rows = rows_along_k ? std::uint32_t(shape.config.block_n) : 64;
        layout.l2_bytes = rows_along_k ? 128 : 256; // along n, the next box is the neighbour
        return jit::encode_tensor_map(layout, map);
    };
    if (const ms_status status =
            encode(maps.w, args.w, shape.w_transposed, std::uint64_t(args.k));
        status != MS_OK)
        return status;
    if (shape.pass == Pass::kExtraK && (shape.b_transposed || shape.b_aligned))
        if (const ms_status status =
                encode(maps.b, args.lora_b, !shape.b_transposed, std::uint64_t(args.rank));
            status != MS_OK)
            return status;
    // Rows by sorted position.
    const auto encode_rows = [&](jit::TensorMap &map, const void *data, std::uint64_t columns,
                                 std::uint64_t stride) {
        return jit::encode_tensor_map({.dtype = args.dtype,
                                       .data = data,
                                       .sizes = {columns, std::uint64_t(args.slots), 1},
                                       .row_elements = stride,
                                       .box_rows = wgmma::kXBoxRows},
                                      map);
    };
    const auto xa_width = std::uint64_t(xa_columns(args.rank));
    if (shape.pass == Pass::kExtraK)
        if (const ms_status status = encode_rows(maps.xa, launch.params.xa, xa_width, xa_width);
            status != MS_OK)
            return status;
    return shape.x_grouped ? encode_rows(maps.x, args.x, std::uint64_t(args.k),
                                         std::uint64_t(args.x_stride))
                           : MS_OK;
}

ms_status blocks_of(const Launch &launch, unsigned &blocks) {
    blocks = unsigned(launch.blocks);
    if (!launch.resident)
        return MS_OK;
    int device = 0, multiprocessors = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(
        cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
    blocks = unsigned(std::min<std::int64_t>(launch.blocks, multiprocessors));
    return MS_OK;
}

ms_status enqueue(const ms_scatter2scatter_args &args, cudaKernel_t kernel, Launch &launch,
                  ms_stream stream) {
    unsigned blocks = 0;
    if (const ms_status status = blocks_of(launch, blocks); status != MS_OK)
        return status;
    TensorMaps maps{};
    if (launch.shape.config.family == MS_TILE_WGMMA)
        if (const ms_status status = make_maps(args, launch, maps); status != MS_OK)
            return status;
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(unsigned(32 * launch.shape.config.warps));
    config.dynamicSmemBytes = std::size_t(dynamic_smem_bytes(launch.shape));
    config.stream = reinterpret_cast<cudaStream_t>(stream);
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    if (launch.early) {
        config.attrs = &early;
        config.numAttrs = 1;
    }
    void *arguments[] = {&launch.params, &maps.w, &maps.b, &maps.x, &maps.xa};
    MS_CUDA_TRY(cudaLaunchKernelExC(&config, kernel, arguments));
    return MS_OK;
}

} // namespace

ms_status run(const ms_scatter2scatter_args *args, ms_stream stream) {
    ms_scatter2scatter_args full;
    if (const ms_status status = check_call(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_kernels(full); status != MS_OK)
        return status;
    if (full.slots == 0)
        return succeed();
    std::string arch;
    if (const ms_status status = jit::current_arch(arch); status != MS_OK)
        return status;
    ms_tile_config config;
    if (const ms_status status = resolve_config(full, arch, config); status != MS_OK)
        return status;
    if (!full.tiles)
        return fail(MS_INVALID_ARGUMENT,
                    "ms_scatter2scatter: tiles is null; it must be a schedule of " +
                        std::to_string(config.block_m) + " block rows");
    std::vector<Launch> launches;
    if (const ms_status status = plan_launches(full, config, launches); status != MS_OK)
        return status;
    std::vector<cudaKernel_t> kernels(
        launches.size()); // all before the first launch: no half-written y
    for (std::size_t i = 0; i < launches.size(); ++i)
        if (const ms_status status = find_ready(launches[i].shape, kernels[i]); status != MS_OK)
            return status;
    for (std::size_t i = 0; i < launches.size(); ++i)
        if (const ms_status status = enqueue(full, kernels[i], launches[i], stream);
            status != MS_OK)
            return status;
    return succeed();
}

ms_status compile_for(const ms_scatter2scatter_args *args, const char *arch_or_null,
                      ms_tile_resources *resources) {
    ms_scatter2scatter_args full;
    if (const ms_status status = check_shape(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_kernels(full); status != MS_OK)
        return status;
    std::string arch = arch_or_null ? arch_or_null : "";
    if (arch.empty())
        if (const ms_status status = jit::current_arch(arch); status != MS_OK)
            return status;
    ms_tile_config config;
    if (const ms_status status = resolve_config(full, arch, config); status != MS_OK)
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

ms_status ms_scatter2scatter_default_config(const ms_scatter2scatter_args *args,
                                            ms_tile_config *config) {
    ms_scatter2scatter_args full;
    if (const ms_status status = scatter2scatter::check_shape(args, full); status != MS_OK)
        return status;
    if (!config)
        return fail(
            MS_INVALID_ARGUMENT,
            "ms_scatter2scatter_default_config: config is null; it must be a place for one");
    std::string arch; // without a device, any will do
    if (jit::current_arch(arch) != MS_OK)
        arch.clear();
    *config = scatter2scatter::default_config(full, arch);
    return succeed();
}

ms_status ms_scatter2scatter(const ms_scatter2scatter_args *args, ms_stream stream) {
    return no_throw("ms_scatter2scatter", [&] { return scatter2scatter::run(args, stream); });
}

ms_status ms_scatter2scatter_compile(const ms_scatter2scatter_args *args, const char *arch,
                                     ms_tile_resources *resources) {
    return no_throw("ms_scatter2scatter_compile",
                    [&] { return scatter2scatter::compile_for(args, arch, resources); });
}

} // extern "C"
