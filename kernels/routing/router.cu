// The router's logits are a grouped matrix product with one expert, the gate: ms_scatter2scatter
// over identity metadata, which a small kernel writes into the workspace.
#include "kernels/common/argument_check.h"
#include "kernels/common/cuda_check.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1024;
constexpr std::int32_t kSmallestBlockRows = 16; // of any tile config: the most tiles
constexpr std::size_t kAlignment = 256;

// Where each array lies in the workspace. Sized without looking at a pointer.
struct Layout {
    std::size_t slots = 0, offsets, tiles, product, end; // byte offsets

    Layout(std::int64_t tokens, std::size_t product_bytes) {
        offsets = after(slots, std::size_t(tokens) * sizeof(std::int32_t));
        tiles = after(offsets, 2 * sizeof(std::int32_t));
        product = after(tiles,
                        std::size_t(ms_max_tiles(tokens, 1, kSmallestBlockRows)) * sizeof(ms_tile));
        end = product + product_bytes;
    }

  private:
    static std::size_t after(std::size_t start, std::size_t bytes) {
        return (start + bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
};

// The product without its metadata, workspace and config.
ms_scatter2scatter_args product_of(const ms_router_args &args) {
    ms_scatter2scatter_args product{};
    product.struct_size = sizeof product;
    product.dtype = args.dtype;
    product.y_dtype = MS_F32;
    product.variant = MS_S2S_FUSED;
    product.x = args.hidden;
    product.x_stride = args.hidden_stride;
    product.w = args.gate;
    product.w_transposed = 1;
    product.k = args.hidden_size;
    product.n = args.experts;
    product.rank = args.rank;
    product.scaling = args.rank > 0 ? args.scaling : 0.0f;
    product.lora_a = args.lora_a;
    product.lora_b = args.lora_b;
    product.y = args.logits;
    product.y_stride = args.experts;
    product.slots = args.tokens;
    product.experts = 1;
    product.top_k = 1;
    product.x_grouped = 1;
    product.y_grouped = 1;
    return product;
}

// What route_metadata would write if every token chose expert 0.
__global__ void __launch_bounds__(kThreads)
    identity_metadata(std::int32_t *sorted_slots, std::int32_t *offsets, ms_tile *tiles,
                      std::int64_t tokens, std::int64_t tile_count) {
    const std::int64_t first = std::int64_t(blockIdx.x) * kThreads + threadIdx.x;
    for (std::int64_t i = first; i < tokens; i += std::int64_t(gridDim.x) * kThreads) {
        sorted_slots[i] = std::int32_t(i);
        if (i < tile_count)
            tiles[i] = {0, std::int32_t(i)};
    }
    if (first == 0) {
        offsets[0] = 0;
        offsets[1] = std::int32_t(tokens);
    }
}

ms_status enqueue_logits(const ms_router_args &args, ms_stream stream) {
    ms_scatter2scatter_args product = product_of(args);
    if (const ms_status status = ms_scatter2scatter_default_config(&product, &product.config);
        status != MS_OK)
        return status;
    const std::size_t product_bytes = ms_scatter2scatter_workspace_bytes(&product);
    const Layout layout(args.tokens, product_bytes);
    ArgumentCheck check("ms_router");
    check.pointer("workspace", args.workspace, kAlignment)
        .require(args.workspace_bytes >= layout.end, "workspace_bytes",
                 std::to_string(args.workspace_bytes), "at least " + std::to_string(layout.end));
    if (check.failed())
        return check.status();

    auto *workspace = static_cast<std::uint8_t *>(args.workspace);
    auto *sorted_slots = reinterpret_cast<std::int32_t *>(workspace + layout.slots);
    auto *offsets = reinterpret_cast<std::int32_t *>(workspace + layout.offsets);
    auto *tiles = reinterpret_cast<ms_tile *>(workspace + layout.tiles);
    const std::int64_t blocks = std::min((args.tokens + kThreads - 1) / kThreads, kMaxBlocks);
    identity_metadata<<<unsigned(blocks), kThreads, 0, stream>>>(
        sorted_slots, offsets, tiles, args.tokens,
        ms_max_tiles(args.tokens, 1, product.config.block_m));
    MS_LAUNCH_CHECK();
    product.sorted_slots = sorted_slots;
    product.offsets = offsets;
    product.tiles = tiles;
    product.workspace = product_bytes > 0 ? workspace + layout.product : nullptr;
    product.workspace_bytes = product_bytes;
    return ms_scatter2scatter(&product, stream);
}

} // namespace

} // namespace moescope

extern "C" size_t ms_router_workspace_bytes(const ms_router_args *args) {
    using namespace moescope;
    ms_router_args full;
    if (check_router_sizes(args, full) != MS_OK)
        return 0;
    const ms_scatter2scatter_args product = product_of(full);
    return Layout(full.tokens, ms_scatter2scatter_workspace_bytes(&product)).end;
}

extern "C" ms_status ms_router(const ms_router_args *args, ms_stream stream) {
    using namespace moescope;
    CheckedRouter full;
    if (const ms_status status = check_router(args, full); status != MS_OK)
        return status;
    if (const ms_status status = enqueue_logits(full.args, stream); status != MS_OK)
        return status;
    return ms_topk(&full.topk, stream);
}
