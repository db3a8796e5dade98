// The LoRA gradient kernels compile for every kind of device, on a machine without a GPU.
#include "kernels/jit/compiler.h"
#include "kernels/lora_grad/lora_grad_plan.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace moescope;

namespace {

std::vector<lora_grad::KernelShape> kernels_of(std::int32_t rank, ms_lora_grad_variant variant) {
    ms_lora_grad_args args{};
    args.struct_size = sizeof args;
    args.dtype = rank % 2 == 0 ? MS_BF16 : MS_F16;
    args.out_dtype = variant == MS_LORA_GRAD_ATOMIC ? MS_F32 : args.dtype;
    args.variant = variant;
    args.k = 2048;
    args.n = 1024;
    args.x_stride = args.k;
    args.dy_stride = args.n;
    args.rank = rank;
    args.experts = 256;
    args.top_k = 8;
    args.slots = 16384;
    args.da = args.db = &args; // wanted; not touched
    std::vector<lora_grad::Launch> launches;
    REQUIRE(lora_grad::plan_launches(args, lora_grad::default_config(args), launches) == MS_OK);
    std::vector<lora_grad::KernelShape> shapes;
    for (const lora_grad::Launch &launch : launches)
        shapes.push_back(launch.shape);
    return shapes;
}

} // namespace

TEST_CASE("the LoRA gradient kernels compile for every kind of device and never spill",
          "[jit][lora_grad]") {
    std::vector<jit::Request> requests;
    for (const std::int32_t rank : {1, 16, 40, 64, 128, 256})
        for (const ms_lora_grad_variant variant :
             {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE, MS_LORA_GRAD_ATOMIC})
            for (const lora_grad::KernelShape &shape : kernels_of(rank, variant))
                for (const char *arch : {"sm_80", "sm_89", "sm_90a", "sm_120"}) {
                    INFO(lora_grad::kernel_name(shape));
                    // What a block may have on the smallest of them.
                    CHECK(lora_grad::dynamic_smem_bytes(shape) <= 99 * 1024);
                    requests.push_back({.source = "lora_grad.jit.cu",
                                        .kernel = lora_grad::kernel_name(shape),
                                        .defines = lora_grad::kernel_defines(shape),
                                        .arch = arch});
                }
    std::vector<std::shared_ptr<const jit::Cubin>> cubins(requests.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back([&] {
            for (std::size_t at; (at = next++) < requests.size();)
                jit::compile(requests[at], cubins[at]);
        });
    threads.clear();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        INFO(requests[i].kernel << " for " << requests[i].arch);
        REQUIRE(cubins[i]);
        CHECK(cubins[i]->resources.spill_bytes == 0);
        CHECK(cubins[i]->resources.registers <= 255);
        CHECK(cubins[i]->resources.static_smem_bytes == 0);
    }
}
