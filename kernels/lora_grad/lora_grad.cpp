// The C functions: check, plan, compile or find the kernels, launch them.
#include "kernels/common/argument_check.h"
#include "kernels/common/cuda_check.h"
#include "kernels/common/float_types.h"
#include "kernels/common/no_throw.h"
#include "kernels/jit/ready_kernels.h"
#include "kernels/lora_grad/lora_grad_checks.h"
#include "kernels/lora_grad/lora_grad_plan.h"

#include <limits>
#include <string>
#include <vector>

namespace moescope::lora_grad {

namespace {

ms_status find_kernel(const KernelShape &shape, cudaKernel_t &kernel) {
    static jit::ReadyKernels<KernelShape> ready;
    const auto request = [&](const std::string &arch) {
        return jit::Request{.source = "lora_grad.jit.cu",
                            .kernel = kernel_name(shape),
                            .defines = kernel_defines(shape),
                            .arch = arch};
    };
    return ready.find(shape, dynamic_smem_bytes(shape), request, kernel);
}

ms_status enqueue(cudaKernel_t kernel, Launch &launch, bool early_launches, ms_stream stream) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(unsigned(launch.blocks));
    config.blockDim = dim3(unsigned(launch.shape.threads()));
    config.dynamicSmemBytes = std::size_t(dynamic_smem_bytes(launch.shape));
    config.stream = reinterpret_cast<cudaStream_t>(stream);
    // The reducing kernel looks for its chunks while the last sums are written.
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    if (launch.shape.mode == Mode::kReduce && early_launches) {
        config.attrs = &early;
        config.numAttrs = 1;
    }
    void *arguments[] = {&launch.params};
    MS_CUDA_TRY(cudaLaunchKernelExC(&config, kernel, arguments));
    return MS_OK;
}

ms_status clear(void *out, const ms_lora_grad_args &args, std::int64_t columns, ms_stream stream) {
    const std::size_t bytes =
        std::size_t(args.experts) * std::size_t(args.rank) * std::size_t(columns) * 4;
    if (out)
        MS_CUDA_TRY(cudaMemsetAsync(out, 0, bytes, reinterpret_cast<cudaStream_t>(stream)));
    return MS_OK;
}

ms_status check_config(const ms_lora_grad_args &args, const ms_lora_grad_config &config) {
    const std::string problem = config_problem(config, args.rank);
    return problem.empty() ? MS_OK : fail(MS_INVALID_ARGUMENT, "ms_lora_grad: " + problem);
}

ms_status check_workspace(const ms_lora_grad_args &args) {
    ArgumentCheck check("ms_lora_grad");
    if (const std::size_t needed = workspace_bytes(args); needed > 0)
        check.pointer("workspace", args.workspace, 16)
            .range("workspace_bytes", std::int64_t(args.workspace_bytes), std::int64_t(needed),
                   std::numeric_limits<std::int64_t>::max());
    return check.status();
}

ms_status run(const ms_lora_grad_args *args, ms_stream stream) {
    ms_lora_grad_args full;
    if (const ms_status status = check_call(args, full); status != MS_OK)
        return status;
    const ms_lora_grad_config config = chosen_config(full);
    if (const ms_status status = check_config(full, config); status != MS_OK)
        return status;
    if (const ms_status status = check_workspace(full); status != MS_OK)
        return status;
    std::vector<Launch> launches;
    if (const ms_status status = plan_launches(full, config, launches); status != MS_OK)
        return status;
    std::vector<cudaKernel_t> kernels(launches.size()); // all before the first launch
    for (std::size_t i = 0; i < launches.size(); ++i)
        if (const ms_status status = find_kernel(launches[i].shape, kernels[i]); status != MS_OK)
            return status;
    if (full.variant == MS_LORA_GRAD_ATOMIC) {
        if (const ms_status status = clear(full.da, full, full.k, stream); status != MS_OK)
            return status;
        if (const ms_status status = clear(full.db, full, full.n, stream); status != MS_OK)
            return status;
    }
    int device = 0, major = 0;
    MS_CUDA_TRY(cudaGetDevice(&device));
    MS_CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    const bool hopper = major >= 9; // or newer
    for (std::size_t i = 0; i < launches.size(); ++i)
        if (const ms_status status = enqueue(kernels[i], launches[i], hopper, stream); status != MS_OK)
            return status;
    return succeed();
}

} // namespace

} // namespace moescope::lora_grad

using namespace moescope;

extern "C" {

size_t ms_lora_grad_workspace_bytes(const ms_lora_grad_args *args) {
    ms_lora_grad_args full;
    if (lora_grad::check_shape(args, full) != MS_OK)
        return 0;
    return lora_grad::workspace_bytes(full);
}

ms_status ms_lora_grad_default_config(const ms_lora_grad_args *args, ms_lora_grad_config *config) {
    ms_lora_grad_args full;
    if (const ms_status status = lora_grad::check_shape(args, full); status != MS_OK)
        return status;
    if (!config)
        return fail(MS_INVALID_ARGUMENT,
                    "ms_lora_grad_default_config: config is null; it must be a place for one");
    *config = lora_grad::default_config(full);
    return succeed();
}

ms_status ms_lora_grad(const ms_lora_grad_args *args, ms_stream stream) {
    return no_throw("ms_lora_grad", [&] { return lora_grad::run(args, stream); });
}

} // extern "C"
