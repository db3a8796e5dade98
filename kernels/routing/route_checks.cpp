#include "kernels/common/argument_check.h"
#include "kernels/routing/routing_checks.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

ms_route_metadata_args metadata_of(const ms_route_args &args, const ms_topk_args &topk) {
    ms_route_metadata_args metadata{};
    metadata.struct_size = sizeof metadata;
    metadata.experts = topk.experts;
    metadata.ids = topk.ids;
    metadata.slots = topk.tokens * topk.top_k;
    metadata.counts = args.counts;
    metadata.offsets = args.offsets;
    metadata.sorted_slots = args.sorted_slots;
    metadata.inverse = args.inverse;
    metadata.block_rows = args.block_rows;
    metadata.tiles = args.tiles;
    metadata.workspace = args.workspace;
    metadata.workspace_bytes = args.workspace_bytes;
    return metadata;
}

} // namespace

ms_status check_route_sizes(const ms_route_args *args, CheckedRoute &full) {
    ArgumentCheck check("ms_route");
    ms_route_args route;
    check.read(args, route).pointer("topk", route.topk, alignof(ms_topk_args));
    if (check.failed())
        return check.status();
    check.read(route.topk, full.topk)
        .range("topk->experts", full.topk.experts, 1, kMaxMetadataExperts)
        .range("topk->top_k", full.topk.top_k, 1, full.topk.experts, "experts");
    if (check.failed())
        return check.status();
    check.range("topk->tokens", full.topk.tokens, 1,
                std::numeric_limits<std::int32_t>::max() / full.topk.top_k,
                "fewer than 2^31 slots");
    full.metadata = metadata_of(route, full.topk);
    return check.status();
}

ms_status check_route(const ms_route_args *args, CheckedRoute &full) {
    if (const ms_status status = check_route_sizes(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_topk(args->topk, full.topk); status != MS_OK)
        return status;
    ms_route_metadata_args metadata;
    return check_route_metadata(&full.metadata, metadata);
}

} // namespace moescope
