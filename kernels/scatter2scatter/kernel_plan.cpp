#include "kernels/scatter2scatter/kernel_plan.h"

#include "kernels/scatter2scatter/wgmma_plan.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <tuple>

namespace moescope::scatter2scatter {

namespace {

int round_up(int value, int factor) { return (value + factor - 1) / factor * factor; }

int power_of_two_from(int value) {
    int power = 1;
    while (power < value)
        power *= 2;
    return power;
}

// 8-column tiles of XA that each warp of a row of warps accumulates.
int xa_tiles(int rank_padded, int warps_n) { return (rank_padded / 8 + warps_n - 1) / warps_n; }

// The grid of warps with the fewest tensor instructions a warp, then the least shared memory read.
void choose_warp_grid(KernelShape &shape) {
    const ms_tile_config &c = shape.config;
    auto best = std::tuple(INT32_MAX, INT32_MAX);
    for (int warps_m = 1; warps_m <= c.warps; warps_m *= 2) {
        const int warps_n = c.warps / warps_m;
        const int rows = c.block_m / warps_m, columns = c.block_n / warps_n;
        if (rows < 16 || columns < 16)
            continue;
        const int lora_columns = xa_tiles(shape.rank_padded, warps_n) * 8;
        const auto cost =
            std::tuple(rows * (columns + lora_columns), rows + columns + lora_columns);
        if (cost < best) {
            best = cost;
            shape.warps_m = warps_m;
            shape.warps_n = warps_n;
        }
    }
}

// Every row of warps decodes the same columns: as few of them as there may be.
void choose_nf4_warp_grid(KernelShape &shape) {
    shape.warps_n = std::min(shape.config.warps, shape.config.block_n / 16);
    shape.warps_m = shape.config.warps / shape.warps_n;
}

int nf4_of(const ms_scatter2scatter_args &args, Pass pass) {
    if (!args.w_nf4 || pass == Pass::kLoraXA || pass == Pass::kLoraB)
        return 0;
    return args.w_nf4->absmax ? 1 : 2;
}

int nf4_span_of(const ms_scatter2scatter_args &args, int block_k) {
    return args.k % 64 == 0 && args.w_nf4->block_size >= 64 && block_k % 64 == 0 ? 64 : 32;
}

std::string one_of(const char *field, int value, std::initializer_list<int> allowed) {
    std::string list;
    for (int one : allowed) {
        if (value == one)
            return "";
        list += (list.empty() ? "" : ", ") + std::to_string(one);
    }
    return std::string("config.") + field + " is " + std::to_string(value) +
           "; it must be one of " + list;
}

KernelShape make_shape(const ms_scatter2scatter_args &args, Pass pass, ms_tile_config config) {
    KernelShape shape{.pass = pass,
                      .dtype = args.dtype,
                      .out_f32 = args.y_dtype == MS_F32,
                      .config = config,
                      .warps_m = 1,
                      .warps_n = config.warps,
                      .w_transposed = args.w_transposed != 0,
                      .w_aligned = true,
                      .rank_padded = 0,
                      .extra_rank = 0,
                      .b_transposed = false,
                      .b_aligned = true,
                      .nf4 = nf4_of(args, pass),
                      .nf4_span = 0,
                      .row_split = 1,
                      .x_grouped = args.x_grouped != 0};
    if (pass == Pass::kFused)
        shape.rank_padded = round_up(args.rank, 16);
    if (pass == Pass::kExtraK) {
        shape.extra_rank = round_up(args.rank, 16);
        shape.b_transposed = args.lora_b_transposed != 0;
        shape.b_aligned = (shape.b_transposed ? args.n : args.rank) % 8 == 0;
    }
    if (shape.nf4) {
        shape.nf4_span = nf4_span_of(args, config.block_k);
        choose_nf4_warp_grid(shape);
    } else if (config.family == MS_TILE_MMA_SYNC) {
        choose_warp_grid(shape);
    }
    return shape;
}

// The passes that make and use XA beside the wgmma family are the other family's, in small blocks
// that a tile of the schedule is cut into.
ms_tile_config beside_wgmma(const ms_tile_config &config) {
    const int rows = config.block_m % 64 == 0 ? 64 : 32;
    return {.block_m = rows, .block_n = 128, .block_k = 64, .warps = 4, .stages = 4};
}

// Fewer blocks than this leave multiprocessors without enough of X on the way: halved, deeper rings.
constexpr std::int64_t kManyBlocks = 256;

// XA = X*A^T: as wide as the rank asks for, with as many warps as still have 16 columns each.
KernelShape make_xa_shape(const ms_scatter2scatter_args &args, ms_tile_config config) {
    const int schedule_rows = config.block_m;
    if (config.family == MS_TILE_WGMMA) {
        config = beside_wgmma(config);
        if (config.block_m == 32 && args.slots / config.block_m < kManyBlocks) {
            config.block_m = 16;
            config.block_k = 128;
            config.stages = 6;
        }
    }
    config.block_n =
        std::min(config.block_n, std::max(32, power_of_two_from(xa_columns(args.rank))));
    config.warps = std::min(config.warps, config.block_m / 16 * (config.block_n / 16));
    ms_scatter2scatter_args product = args;
    product.w_transposed = !args.lora_a_transposed;
    product.y_dtype = args.dtype;
    KernelShape shape = make_shape(product, Pass::kLoraXA, config);
    shape.row_split = schedule_rows / config.block_m;
    shape.w_aligned = !args.lora_a_transposed || args.rank % 8 == 0;
    return shape;
}

// Y += s * XA*B^T: as deep as the rank asks for.
KernelShape make_b_shape(const ms_scatter2scatter_args &args, ms_tile_config config) {
    const int schedule_rows = config.block_m;
    if (config.family == MS_TILE_WGMMA)
        config = beside_wgmma(config);
    config.block_k = std::min(config.block_k, std::max(16, power_of_two_from(args.rank)));
    const int k_tiles = (xa_columns(args.rank) + config.block_k - 1) / config.block_k;
    config.stages = std::clamp(k_tiles + 1, 2, config.stages);
    ms_scatter2scatter_args product = args;
    product.w_transposed = !args.lora_b_transposed;
    KernelShape shape = make_shape(product, Pass::kLoraB, config);
    shape.row_split = schedule_rows / config.block_m;
    shape.w_aligned = (args.lora_b_transposed ? args.n : args.rank) % 8 == 0;
    return shape;
}

const char *pass_name(Pass pass) {
    switch (pass) {
    case Pass::kFused:
        return "fused";
    case Pass::kExtraK:
        return "extra_k";
    case Pass::kBase:
        return "base";
    case Pass::kLoraXA:
        return "lora_xa";
    case Pass::kLoraB:
        return "lora_b";
    }
    return "";
}

} // namespace

std::strong_ordering KernelShape::operator<=>(const KernelShape &other) const {
    const auto key = [](const KernelShape &s) {
        return std::tuple(s.pass, s.dtype, s.out_f32, s.config.block_m, s.config.block_n,
                          s.config.block_k, s.config.warps, s.config.stages, s.config.family,
                          s.w_transposed, s.w_aligned, s.rank_padded, s.extra_rank, s.b_transposed,
                          s.b_aligned, s.nf4, s.nf4_span, s.row_split, s.x_grouped);
    };
    return key(*this) <=> key(other);
}

std::string config_problem(const ms_tile_config &config) {
    if (config.family == MS_TILE_WGMMA)
        return wgmma::config_problem(config);
    if (config.family != MS_TILE_MMA_SYNC)
        return one_of("family", config.family, {MS_TILE_MMA_SYNC, MS_TILE_WGMMA});
    for (std::string problem : {one_of("block_m", config.block_m, {16, 32, 64, 128}),
                                one_of("block_n", config.block_n, {32, 64, 128, 256}),
                                one_of("block_k", config.block_k, {16, 32, 64, 128}),
                                one_of("warps", config.warps, {1, 2, 4, 8}),
                                one_of("stages", config.stages, {2, 3, 4, 5, 6})})
        if (!problem.empty())
            return problem;
    const int most_warps = config.block_m / 16 * (config.block_n / 16);
    if (config.warps > most_warps)
        return "config.warps is " + std::to_string(config.warps) + "; it must be at most " +
               std::to_string(most_warps) + " (each warp needs 16 x 16 of a " +
               std::to_string(config.block_m) + " x " + std::to_string(config.block_n) + " block)";
    const int accumulators = config.block_m * config.block_n / (32 * config.warps);
    if (accumulators >= 255)
        return "config.warps is " + std::to_string(config.warps) + "; it must be more for a " +
               std::to_string(config.block_m) + " x " + std::to_string(config.block_n) +
               " block, whose sums alone take " + std::to_string(accumulators) +
               " registers a thread, of 255";
    return "";
}

std::string config_problem(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                           const std::string &arch) {
    std::string problem = config_problem(config);
    if (problem.empty() && config.family == MS_TILE_WGMMA)
        return wgmma::call_problem(args, arch);
    if (problem.empty() && args.w_nf4)
        problem = one_of("block_k", config.block_k, {32, 64, 128}); // whole words of nibbles
    return problem;
}

int xa_columns(int rank) { return round_up(rank, 8); }

std::vector<KernelShape> plan_kernels(const ms_scatter2scatter_args &args,
                                      const ms_tile_config &config) {
    if (args.rank == 0)
        return {make_shape(args, Pass::kBase, config)};
    if (args.variant == MS_S2S_FUSED)
        return {make_shape(args, Pass::kFused, config)};
    std::vector<KernelShape> passes;
    if (!args.xa_is_input)
        passes.push_back(make_xa_shape(args, config));
    if (args.variant == MS_S2S_EXTRA_K) {
        passes.push_back(make_shape(args, Pass::kExtraK, config));
    } else {
        passes.insert(passes.begin(), make_shape(args, Pass::kBase, config));
        passes.push_back(make_b_shape(args, config));
    }
    return passes;
}

int dynamic_smem_bytes(const KernelShape &shape) {
    const ms_tile_config &c = shape.config;
    if (c.family == MS_TILE_WGMMA)
        return wgmma::dynamic_smem_bytes(c, shape.out_f32);
    const int rank = shape.rank_padded;
    const int xa_rows = xa_tiles(rank, shape.warps_n) * 8 * shape.warps_n;
    const int stage = (c.block_m + c.block_n + xa_rows) * c.block_k * 2;
    const int nf4_stage = (c.block_m * 2 * c.block_k + c.block_n * c.block_k / 2) +
                          (shape.nf4 ? c.block_n * (c.block_k / shape.nf4_span) * 4 : 0);
    const int ring = !shape.nf4 ? c.stages * stage
                                : std::max(c.stages * nf4_stage, shape.extra_rank ? stage : 0);
    const int xa = rank ? c.block_m * (rank + 8) * 2 : 0;
    const int staging = c.warps * 16 * (c.block_n / shape.warps_n + 8) * 4;
    const int row_table = round_up(c.block_m * 4, 128);
    const int lora_b = rank ? round_up(c.block_n * (std::min(rank, 32) + 8) * 2, 128) : 0;
    const int nf4_table = shape.nf4 ? 256 * 32 * 4 : 0;
    return row_table + lora_b + nf4_table + std::max({ring, xa, staging});
}

std::string kernel_source(const KernelShape &shape) {
    return shape.config.family == MS_TILE_WGMMA ? "scatter2scatter_wgmma.jit.cu"
                                                : "scatter2scatter.jit.cu";
}

std::string kernel_name(const KernelShape &shape) {
    const ms_tile_config &c = shape.config;
    return std::string(c.family == MS_TILE_WGMMA ? "moescope_s2s_wgmma_" : "moescope_s2s_") +
           pass_name(shape.pass) + (shape.nf4 ? "_nf4" : "") +
           (shape.dtype == MS_BF16 ? "_bf16_" : "_f16_") + std::to_string(c.block_m) + "x" +
           std::to_string(c.block_n) + "x" + std::to_string(c.block_k) + "_w" +
           std::to_string(c.warps) + "_s" + std::to_string(c.stages);
}

std::vector<std::string> kernel_defines(const KernelShape &shape) {
    if (shape.config.family == MS_TILE_WGMMA)
        return wgmma::kernel_defines(shape);
    const auto define = [](const char *name, int value) {
        return std::string(name) + "=" + std::to_string(value);
    };
    const ms_tile_config &c = shape.config;
    return {"MS_KERNEL_NAME=" + kernel_name(shape),
            define("MS_BF16", shape.dtype == MS_BF16),
            define("MS_OUT_F32", shape.out_f32),
            define("MS_BLOCK_M", c.block_m),
            define("MS_BLOCK_N", c.block_n),
            define("MS_BLOCK_K", c.block_k),
            define("MS_WARPS_M", shape.warps_m),
            define("MS_WARPS_N", shape.warps_n),
            define("MS_STAGES", c.stages),
            define("MS_W_TRANSPOSED", shape.w_transposed),
            define("MS_W_ALIGNED", shape.w_aligned),
            define("MS_RANK_PADDED", shape.rank_padded),
            define("MS_EXTRA_RANK", shape.extra_rank),
            define("MS_B_TRANSPOSED", shape.b_transposed),
            define("MS_B_ALIGNED", shape.b_aligned),
            define("MS_ROW_SPLIT", shape.row_split),
            define("MS_ACCUMULATE", shape.pass == Pass::kLoraB),
            define("MS_NF4", shape.nf4),
            define("MS_NF4_SPAN", shape.nf4_span),
            define("MS_DYNAMIC_SMEM", dynamic_smem_bytes(shape))};
}

} // namespace moescope::scatter2scatter
