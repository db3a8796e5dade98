#include "kernels/common/argument_check.h"
#include "kernels/routing/route_metadata_variants.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

// The same on every device, whichever way is taken there.
std::size_t workspace_bytes(const ms_route_metadata_args &args) {
    return std::max(at_once_workspace_bytes(args.slots, args.experts),
                    pieces_workspace_bytes(args.slots, args.experts));
}

ms_status check_workspace(const ms_route_metadata_args &args) {
    const std::size_t needed = workspace_bytes(args);
    ArgumentCheck check("ms_route_metadata");
    check.require(args.workspace_bytes >= needed, "workspace_bytes",
                  std::to_string(args.workspace_bytes), "at least " + std::to_string(needed));
    if (needed > 0)
        check.pointer("workspace", args.workspace, alignof(std::int32_t));
    return check.status();
}

} // namespace

} // namespace moescope

extern "C" size_t ms_route_metadata_workspace_bytes(const ms_route_metadata_args *args) {
    using namespace moescope;
    ms_route_metadata_args full;
    ArgumentCheck check("ms_route_metadata_workspace_bytes");
    check.read(args, full)
        .range("experts", full.experts, 1, kMaxMetadataExperts)
        .range("slots", full.slots, 0, INT32_MAX);
    if (check.status() != MS_OK)
        return 0;
    return workspace_bytes(full);
}

extern "C" ms_status ms_route_metadata(const ms_route_metadata_args *args, ms_stream stream) {
    using namespace moescope;
    ms_route_metadata_args full;
    if (const ms_status status = check_route_metadata(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_workspace(full); status != MS_OK)
        return status;
    return sorts_at_once(full.slots, full.experts) ? sort_at_once(full, stream)
                                                   : sort_in_pieces(full, stream);
}
