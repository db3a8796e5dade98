#include "kernels/routing/route_at_once.h"

#include "kernels/common/argument_check.h"
#include "kernels/routing/sort_launch.cuh"

#include <algorithm>

namespace moescope {

namespace {

ms_status route_at_once(const CheckedRoute &route, bool &done, ms_stream stream) {
    switch (topk_kind(route.topk)) {
    case TopkKind::Bf16Softmax:
        return route_as<TopkKind::Bf16Softmax>(route, done, stream);
    case TopkKind::Bf16Logit:
        return route_as<TopkKind::Bf16Logit>(route, done, stream);
    case TopkKind::Softmax:
        return route_as<TopkKind::Softmax>(route, done, stream);
    case TopkKind::Logit:
        return route_as<TopkKind::Logit>(route, done, stream);
    case TopkKind::Sigmoid:
        return route_as<TopkKind::Sigmoid>(route, done, stream);
    case TopkKind::SqrtSoftplus:
        return route_as<TopkKind::SqrtSoftplus>(route, done, stream);
    case TopkKind::Choice:
        return route_as<TopkKind::Choice>(route, done, stream);
    }
    return MS_OK;
}

std::size_t workspace_bytes(const CheckedRoute &route) {
    return std::max(grid_counts_bytes(kMaxGridBlocks, route.topk.experts),
                    ms_route_metadata_workspace_bytes(&route.metadata));
}

ms_status check_workspace(const CheckedRoute &route) {
    const std::size_t needed = workspace_bytes(route);
    ArgumentCheck check("ms_route");
    check
        .require(route.metadata.workspace_bytes >= needed, "workspace_bytes",
                 std::to_string(route.metadata.workspace_bytes),
                 "at least " + std::to_string(needed))
        .pointer("workspace", route.metadata.workspace, alignof(std::int32_t));
    return check.status();
}

} // namespace

} // namespace moescope

extern "C" size_t ms_route_workspace_bytes(const ms_route_args *args) {
    using namespace moescope;
    CheckedRoute full;
    return check_route_sizes(args, full) == MS_OK ? workspace_bytes(full) : 0;
}

extern "C" ms_status ms_route(const ms_route_args *args, ms_stream stream) {
    using namespace moescope;
    CheckedRoute full;
    if (const ms_status status = check_route(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_workspace(full); status != MS_OK)
        return status;
    bool done = false;
    if (full.topk.variant == MS_TOPK_AUTO)
        if (const ms_status status = route_at_once(full, done, stream); status != MS_OK || done)
            return status;
    if (const ms_status status = ms_topk(&full.topk, stream); status != MS_OK)
        return status;
    return ms_route_metadata(&full.metadata, stream);
}
