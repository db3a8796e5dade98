#include "kernels/lora_grad/lora_grad_plan.h"

#include "kernels/common/status.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <limits>
#include <tuple>

namespace moescope::lora_grad {

namespace {

constexpr int kReduceBlocks = 512; // of the reducing kernel, at least: enough to fill a device
constexpr int kDepth = 128;       // of a recomputing step

int round_up(int value, int factor) { return (value + factor - 1) / factor * factor; }
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

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

// A warp has 32 columns or more, and as few ranks as the other warps leave it.
int columns_warps(const ms_lora_grad_config &config) {
    return std::min(config.warps, std::max(1, config.block_columns / 32));
}
int rank_tiles(const KernelShape &shape) { // of 16, a warp
    return (shape.rank_padded / 16 + shape.warps_r - 1) / shape.warps_r;
}

KernelShape make_shape(const ms_lora_grad_args &args, Mode mode,
                       const ms_lora_grad_config &config) {
    const int warps_n = columns_warps(config);
    return {.mode = mode,
            .dtype = args.dtype,
            .out_f32 = args.out_dtype == MS_F32,
            .config = config,
            .warps_r = config.warps / warps_n,
            .warps_n = warps_n,
            .rank_padded = round_up(args.rank, 16)};
}

Mode mode_of(ms_lora_grad_variant variant) {
    return variant == MS_LORA_GRAD_RECOMPUTE ? Mode::kRecompute
           : variant == MS_LORA_GRAD_ATOMIC  ? Mode::kAtomic
                                             : Mode::kGram;
}

const char *mode_name(Mode mode) {
    switch (mode) {
    case Mode::kGram:
        return "gram";
    case Mode::kRecompute:
        return "recompute";
    case Mode::kAtomic:
        return "atomic";
    case Mode::kReduce:
        return "reduce";
    }
    return "";
}

bool is_zero(const ms_lora_grad_config &c) {
    return c.block_columns == 0 && c.block_rows == 0 && c.warps == 0 && c.stages == 0;
}

// divisor 0: rows in sorted order.
LoraGradRows make_rows(const void *data, std::int64_t stride, std::int32_t divisor) {
    LoraGradRows rows{.data = data, .stride_16b = unsigned(stride / 8), .multiplier = 0, .shift = 0};
    if (divisor > 0) {
        rows.shift = 31 + std::bit_width(unsigned(divisor) - 1);
        rows.multiplier = unsigned((std::uint64_t(1) << rows.shift) / unsigned(divisor) + 1);
        if (divisor == 1) // 2^31 / 1 + 1 divides as well, but 2^31 is exact
            rows.multiplier = 1u << 31;
    }
    return rows;
}

// Rows begin within 2^32 chunks of 16 bytes.
ms_status check_reach(const char *name, std::int64_t rows, std::int64_t stride) {
    const std::int64_t most = std::numeric_limits<std::uint32_t>::max() / (stride / 8);
    if (rows <= most)
        return MS_OK;
    return fail(MS_UNSUPPORTED, std::string("ms_lora_grad: ") + name + " has " +
                                    std::to_string(rows) + " rows of stride " +
                                    std::to_string(stride) + "; at most " + std::to_string(most) +
                                    " can be reached");
}

LoraGradParams make_params(const ms_lora_grad_args &args, const ms_lora_grad_config &config) {
    const int x_divisor = args.x_grouped ? 0 : args.top_k, dy_divisor = args.dy_grouped ? 0 : 1;
    const int chunk = chunk_rows(args, config);
    const LoraGradRows x = make_rows(args.x, args.x_stride, x_divisor);
    const LoraGradRows dy = make_rows(args.dy, args.dy_stride, dy_divisor);
    return {.da = {.z = x,
                   .other = dy,
                   .lora = args.lora_b,
                   .v = args.yb,
                   .out = args.da,
                   .columns = args.k,
                   .depth = args.n,
                   .blocks = args.da ? int(ceil_div(args.k, config.block_columns)) : 0},
            .db = {.z = dy,
                   .other = x,
                   .lora = args.lora_a,
                   .v = args.xa,
                   .out = args.db,
                   .columns = args.n,
                   .depth = args.k,
                   .blocks = args.db ? int(ceil_div(args.n, config.block_columns)) : 0},
            .sorted_slots = args.sorted_slots,
            .offsets = args.offsets,
            .partial = static_cast<float *>(args.workspace),
            .experts = args.experts,
            .rank = args.rank,
            .rank_stride = round_up(args.rank, 8),
            .chunk_rows = chunk,
            .most_extra = int(args.slots / chunk),
            .reduce_blocks = int(ceil_div(kReduceBlocks, std::max<std::int64_t>(1, args.slots / chunk))),
            .scaling = args.scaling};
}

} // namespace

std::strong_ordering KernelShape::operator<=>(const KernelShape &other) const {
    const auto key = [](const KernelShape &s) {
        return std::tuple(s.mode, s.dtype, s.out_f32, s.config.block_columns, s.config.block_rows,
                          s.config.warps, s.config.stages, s.rank_padded);
    };
    return key(*this) <=> key(other);
}

std::string config_problem(const ms_lora_grad_config &config, int rank) {
    for (std::string problem : {one_of("block_columns", config.block_columns, {32, 64, 128, 256, 512}),
                                one_of("block_rows", config.block_rows, {16, 32, 64}),
                                one_of("warps", config.warps, {1, 2, 4, 8, 16}),
                                one_of("stages", config.stages, {2, 3, 4, 5, 6})})
        if (!problem.empty())
            return problem;
    const int warps_n = columns_warps(config), warps_r = config.warps / warps_n;
    const int tiles = round_up(rank, 16) / 16;
    if (warps_r > 1 && warps_r > tiles)
        return "config.warps is " + std::to_string(config.warps) + "; it must be at most " +
               std::to_string(int(std::bit_floor(unsigned(tiles))) * warps_n) + " for " +
               std::to_string(config.block_columns) + " columns and rank " + std::to_string(rank);
    const int sums = (tiles + warps_r - 1) / warps_r * (config.block_columns / warps_n / 8) * 4;
    if (sums > 160)
        return "config.warps is " + std::to_string(config.warps) + "; it must be more for " +
               std::to_string(config.block_columns) + " columns and rank " + std::to_string(rank) +
               ", whose sums alone take " + std::to_string(sums) + " registers a thread, of 255";
    return "";
}

ms_lora_grad_config default_config(const ms_lora_grad_args &args) {
    const int tiles = round_up(args.rank, 16) / 16;
    // Few rows an expert: short blocks that are many at a time. More: longer stages.
    const std::int64_t mean = ceil_div(args.slots, args.experts);
    const bool few_rows = mean <= 96;
    ms_lora_grad_config config{
        .block_columns = 128, .block_rows = 32, .warps = 4, .stages = mean <= 320 ? 3 : 4};
    if (tiles <= 2 && few_rows)
        config = {.block_columns = 256, .block_rows = 16, .warps = 4, .stages = 4};
    if (tiles > 4)
        config.warps = 8;
    if (tiles > 8)
        config.block_columns = 64;
    if (args.variant == MS_LORA_GRAD_RECOMPUTE) // every stage waits for its XA or YB
        config = {.block_columns = tiles <= 2 ? 256 : config.block_columns,
                  .block_rows = 32,
                  .warps = 8,
                  .stages = 2};
    while (config.block_columns > 32 && config.block_columns >= 2 * std::max(args.k, args.n))
        config.block_columns /= 2;
    while (!config_problem(config, args.rank).empty() && config.warps > 1)
        config.warps /= 2;
    constexpr int kMostSmem = 99 * 1024; // of the smallest sm_80+ device
    const auto smem = [&] {
        return dynamic_smem_bytes(make_shape(args, mode_of(args.variant), config));
    };
    while (config.stages > 2 && smem() > kMostSmem)
        --config.stages;
    while (config.block_rows > 16 && smem() > kMostSmem)
        config.block_rows /= 2;
    return config;
}

ms_lora_grad_config chosen_config(const ms_lora_grad_args &args) {
    return is_zero(args.config) ? default_config(args) : args.config;
}

// Evenly routed, an expert should be one chunk, unless that leaves a device without work.
int chunk_rows(const ms_lora_grad_args &args, const ms_lora_grad_config &config) {
    if (args.variant == MS_LORA_GRAD_ATOMIC)
        return 128;
    constexpr std::int64_t kEnoughBlocks = 512;
    const std::int64_t mean = ceil_div(args.slots, args.experts);
    const std::int64_t columns =
        ceil_div(args.k, config.block_columns) + ceil_div(args.n, config.block_columns);
    std::int64_t rows = 2 * mean;
    if (args.experts * columns < kEnoughBlocks)
        rows = std::min(rows, ceil_div(args.slots * columns, kEnoughBlocks));
    // Partial sums are written and read again: few beside the rows they stand for.
    const std::int64_t least = std::max(256, 8 * args.rank);
    return int(std::bit_ceil(std::uint64_t(std::clamp<std::int64_t>(rows, least, 1 << 20))));
}

std::size_t workspace_bytes(const ms_lora_grad_args &args) {
    if (args.variant == MS_LORA_GRAD_ATOMIC)
        return 0;
    const ms_lora_grad_config config = chosen_config(args);
    if (!config_problem(config, args.rank).empty())
        return 0;
    const std::int64_t extra = args.slots / chunk_rows(args, config);
    return std::size_t(2 * extra) * std::size_t(args.rank) * std::size_t(args.k + args.n) * 4;
}

int dynamic_smem_bytes(const KernelShape &shape) {
    const ms_lora_grad_config &c = shape.config;
    const int scratch = (shape.threads() + 4) * 4;
    if (shape.mode == Mode::kReduce)
        return scratch;
    const int v_columns = rank_tiles(shape) * shape.warps_r * 16, v_stride = v_columns + 8;
    const int stage = c.block_rows * c.block_columns * 2 + round_up(c.block_rows * v_stride * 2, 128);
    const int make =
        shape.mode == Mode::kRecompute
            ? c.block_rows * (kDepth + 8) * 2 +
                  round_up(std::max(v_columns * (kDepth + 8), kDepth * v_stride) * 2, 128)
            : 0;
    const int strips = c.warps * 16 * (c.block_columns / shape.warps_n + 8) * 4;
    return std::max(c.stages * stage + make, strips);
}

std::string kernel_name(const KernelShape &shape) {
    const ms_lora_grad_config &c = shape.config;
    return std::string("moescope_lora_grad_") + mode_name(shape.mode) +
           (shape.dtype == MS_BF16 ? "_bf16_r" : "_f16_r") + std::to_string(shape.rank_padded) +
           "_" + std::to_string(c.block_columns) + "x" + std::to_string(c.block_rows) + "_w" +
           std::to_string(c.warps) + "_s" + std::to_string(c.stages);
}

std::vector<std::string> kernel_defines(const KernelShape &shape) {
    const auto define = [](const char *name, int value) {
        return std::string(name) + "=" + std::to_string(value);
    };
    const ms_lora_grad_config &c = shape.config;
    return {"MS_KERNEL_NAME=" + kernel_name(shape),
            define("MS_MODE", int(shape.mode)),
            define("MS_BF16", shape.dtype == MS_BF16),
            define("MS_OUT_F32", shape.out_f32),
            define("MS_BLOCK_COLUMNS", c.block_columns),
            define("MS_BLOCK_ROWS", c.block_rows),
            define("MS_WARPS_R", shape.warps_r),
            define("MS_WARPS_N", shape.warps_n),
            define("MS_STAGES", c.stages),
            define("MS_RANK_PADDED", shape.rank_padded),
            define("MS_DYNAMIC_SMEM", dynamic_smem_bytes(shape))};
}

ms_status plan_launches(const ms_lora_grad_args &args, const ms_lora_grad_config &config,
                        std::vector<Launch> &launches) {
    const std::int64_t x_rows =
        args.x_grouped ? args.slots : ceil_div(args.slots, args.top_k);
    if (const ms_status status = check_reach("x", x_rows, args.x_stride); status != MS_OK)
        return status;
    if (const ms_status status = check_reach("dy", args.slots, args.dy_stride); status != MS_OK)
        return status;
    const LoraGradParams params = make_params(args, config);
    const std::int64_t units = std::int64_t(args.experts) + params.most_extra;
    const std::int64_t blocks = units * (params.da.blocks + params.db.blocks);
    if (blocks > std::numeric_limits<std::int32_t>::max())
        return fail(MS_UNSUPPORTED, "ms_lora_grad: this call needs " + std::to_string(blocks) +
                                        " blocks; a launch has at most 2147483647: choose more "
                                        "columns a block");
    launches.push_back({make_shape(args, mode_of(args.variant), config), params, blocks});
    if (args.variant != MS_LORA_GRAD_ATOMIC && params.most_extra > 0)
        launches.push_back({make_shape(args, Mode::kReduce, config), params,
                            std::int64_t(params.most_extra) * params.reduce_blocks});
    return MS_OK;
}

} // namespace moescope::lora_grad
