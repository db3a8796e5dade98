#include "kernels/scatter2scatter/launch_plan.h"

#include "kernels/common/status.h"

#include <bit>
#include <limits>
#include <string>

namespace moescope::scatter2scatter {

namespace {

static_assert(sizeof(Scatter2ScatterTile) == sizeof(ms_tile));

bool rows_on_16_bytes(const void *y, std::int64_t stride, bool f32) {
    return reinterpret_cast<std::uintptr_t>(y) % 16 == 0 && stride % (f32 ? 4 : 8) == 0;
}

// Where XA stands: the caller's array, or the workspace of the variants that need one.
void *xa_of(const ms_scatter2scatter_args &args) {
    return args.xa || args.variant == MS_S2S_FUSED ? args.xa : args.workspace;
}

int log2_of(std::int32_t power) { return std::countr_zero(unsigned(power)); }

Scatter2ScatterNf4 nf4_params(const ms_expert_weights &weights) {
    const bool nested = weights.absmax == nullptr;
    return {.absmax = weights.absmax,
            .absmax_u8 = weights.absmax_u8,
            .nested_code = weights.nested_code,
            .nested_absmax = weights.nested_absmax,
            .code = weights.code,
            .nested_offset = weights.nested_offset,
            .nested_shift = nested ? log2_of(weights.nested_block) : 0,
            .block_shift = log2_of(weights.block_size)};
}

Scatter2ScatterParams common_params(const ms_scatter2scatter_args &args,
                                    const ms_tile_config &config) {
    return {.x = args.x,
            .w = args.w_nf4 ? args.w_nf4->values : args.w,
            .lora_a = args.lora_a,
            .lora_b = args.lora_b,
            .xa = xa_of(args),
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
            .xa_columns = xa_columns(args.rank),
            .scaling = args.scaling,
            .top_k = args.top_k,
            .x_grouped = args.x_grouped != 0,
            .y_grouped = args.y_grouped != 0,
            .vector_stores = rows_on_16_bytes(args.y, args.y_stride, args.y_dtype == MS_F32),
            .tile_count = int(ms_max_tiles(args.slots, args.experts, config.block_m)),
            .n_tiles = 0,
            .nf4 = args.w_nf4 ? nf4_params(*args.w_nf4) : Scatter2ScatterNf4{},
            .row_group = 8,
            .w_once = 0,
            .sort_tiles = 0,
            .early_next = 0};
}

// XA [S, xa_columns] by sorted position; its columns past the rank are zero.
Scatter2ScatterParams xa_params(const ms_scatter2scatter_args &args, Scatter2ScatterParams params) {
    params.w = args.lora_a;
    params.bias = nullptr;
    params.y = params.xa;
    params.y_stride = xa_columns(args.rank);
    params.n = xa_columns(args.rank);
    params.n_w = args.rank;
    params.y_grouped = 1;
    params.vector_stores = 1;
    return params;
}

Scatter2ScatterParams b_params(const ms_scatter2scatter_args &args, Scatter2ScatterParams params) {
    params.x = params.xa;
    params.x_stride_16b = unsigned(xa_columns(args.rank) / 8);
    params.x_grouped = 1;
    params.w = args.lora_b;
    params.bias = nullptr;
    params.k = xa_columns(args.rank);
    params.k_w = args.rank;
    return params;
}

Scatter2ScatterParams params_for(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                                 Pass pass) {
    const Scatter2ScatterParams params = common_params(args, config);
    if (pass == Pass::kLoraXA)
        return xa_params(args, params);
    return pass == Pass::kLoraB ? b_params(args, params) : params;
}

// What the wgmma family decides at run time. Where an expert's rows are one tile, each byte of W is
// read once and the stream of weights sets the pace; else the tiles' own weight does.
void set_wgmma_params(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                      Scatter2ScatterParams &params) {
    const std::int64_t mean_rows = (args.slots + args.experts - 1) / args.experts;
    params.w_once = mean_rows <= config.block_m;
    params.sort_tiles = mean_rows > 128;
}

// Row offsets inside the kernel are 32-bit counts of 16 bytes.
ms_status check_reach(const ms_scatter2scatter_args &args) {
    const std::int64_t rows =
        args.x_grouped ? args.slots : (args.slots + args.top_k - 1) / args.top_k;
    const std::int64_t most_rows = std::numeric_limits<std::uint32_t>::max() / (args.x_stride / 8);
    if (rows <= most_rows)
        return MS_OK;
    return fail(MS_UNSUPPORTED, "ms_scatter2scatter: x has " + std::to_string(rows) +
                                    " rows of stride " + std::to_string(args.x_stride) +
                                    "; at most " + std::to_string(most_rows) + " can be reached");
}

} // namespace

ms_status plan_launches(const ms_scatter2scatter_args &args, const ms_tile_config &config,
                        std::vector<Launch> &launches) {
    if (const ms_status status = check_reach(args); status != MS_OK)
        return status;
    for (const KernelShape &shape : plan_kernels(args, config)) {
        Launch launch{.shape = shape,
                      .params = params_for(args, config, shape.pass),
                      .blocks = 0,
                      .resident = shape.config.family == MS_TILE_WGMMA,
                      .early = false};
        if (launch.resident)
            set_wgmma_params(args, shape.config, launch.params);
        if (launch.resident && !launches.empty()) { // XA alone comes before it
            launches.back().params.early_next = 1;
            launch.early = true;
        }
        launch.params.tile_count *= shape.row_split;
        launch.params.n_tiles = (launch.params.n + shape.config.block_n - 1) / shape.config.block_n;
        launch.blocks = std::int64_t(launch.params.tile_count) * launch.params.n_tiles;
        if (launch.blocks > std::numeric_limits<std::int32_t>::max())
            return fail(MS_UNSUPPORTED,
                        "ms_scatter2scatter: this call needs " + std::to_string(launch.blocks) +
                            " blocks; a launch has at most 2147483647: choose a larger block_n");
        launches.push_back(launch);
    }
    return MS_OK;
}

} // namespace moescope::scatter2scatter
