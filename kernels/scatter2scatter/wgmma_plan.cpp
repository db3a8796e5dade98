#include "kernels/scatter2scatter/wgmma_plan.h"

#include <algorithm>

namespace moescope::scatter2scatter::wgmma {

namespace {

constexpr int kMostRows = 288; // whose sums leave registers for the rest
constexpr int kMostStages = 12;
constexpr int kMostSorted = 512; // row tiles
constexpr int kWarps = 12;

std::string must_be(const char *field, int value, const std::string &allowed) {
    return std::string("config.") + field + " is " + std::to_string(value) + "; it must be " +
           allowed + " in the wgmma family";
}

int round_up(int value, int factor) { return (value + factor - 1) / factor * factor; }

// How the kernel is told where B's part of the extra depth comes from.
int extra_mode(const KernelShape &shape) {
    if (shape.pass != Pass::kExtraK)
        return 0;
    if (shape.b_transposed)
        return 2;
    return shape.b_aligned ? 1 : 3;
}

} // namespace

std::string config_problem(const ms_tile_config &config) {
    const int most_rows = config.block_n == 256 ? 128 : kMostRows;
    if (config.block_n != 128 && config.block_n != 256)
        return must_be("block_n", config.block_n, "one of 128, 256");
    if (config.block_m < 32 || config.block_m > most_rows || config.block_m % 32 != 0)
        return must_be("block_m", config.block_m,
                       "a multiple of 32 up to " + std::to_string(most_rows) + " beside block_n " +
                           std::to_string(config.block_n));
    if (config.block_k != 64)
        return must_be("block_k", config.block_k, "64");
    if (config.warps != kWarps)
        return must_be("warps", config.warps, std::to_string(kWarps));
    if (config.stages < 2 || config.stages > kMostStages)
        return must_be("stages", config.stages, "2 to " + std::to_string(kMostStages));
    return "";
}

std::string call_problem(const ms_scatter2scatter_args &args, const std::string &arch) {
    if (arch != "sm_90a")
        return "the wgmma family runs on sm_90a alone, not on " + arch + "; choose mma.sync";
    if (args.w_nf4)
        return "the wgmma family does not decode NF4; choose mma.sync";
    if (args.rank > 0 && args.variant == MS_S2S_FUSED)
        return "the wgmma family has no fused LoRA; choose MS_S2S_EXTRA_K or MS_S2S_SPLIT, or "
               "mma.sync";
    return "";
}

int dynamic_smem_bytes(const ms_tile_config &c, bool out_f32) {
    const int parts = c.block_n / 128;
    const int strip_tokens = (c.block_m > 256 ? 16 : 32) / parts / (out_f32 ? 2 : 1);
    const int strip_stride = parts * 64 * (out_f32 ? 4 : 2) + 16;
    const int stage = c.block_n * 128 + round_up(c.block_m * 128, 1024);
    const int strips = 4 * strip_tokens * strip_stride;
    const int slots = 2 * c.block_m * 4;
    const int info_and_barriers = c.stages * 32 + 16;
    const int alignment = 1024;
    return c.stages * stage + strips + slots + info_and_barriers + 3 * kMostSorted + alignment;
}

std::vector<std::string> kernel_defines(const KernelShape &shape) {
    const auto define = [](const char *name, int value) {
        return std::string(name) + "=" + std::to_string(value);
    };
    const ms_tile_config &c = shape.config;
    return {"MS_KERNEL_NAME=" + kernel_name(shape),
            define("MS_BF16", shape.dtype == MS_BF16),
            define("MS_OUT_F32", shape.out_f32),
            define("MS_BLOCK_M", c.block_m),
            define("MS_BLOCK_N", c.block_n),
            define("MS_STAGES", c.stages),
            define("MS_W_TRANSPOSED", shape.w_transposed),
            define("MS_EXTRA", extra_mode(shape)),
            define("MS_EXTRA_STEPS", std::min(shape.extra_rank / 16, 4)),
            define("MS_X_GROUPED", shape.x_grouped),
            define("MS_DYNAMIC_SMEM", dynamic_smem_bytes(c, shape.out_f32))};
}

} // namespace moescope::scatter2scatter::wgmma
