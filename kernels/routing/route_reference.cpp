#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"

namespace moescope::reference {

ms_status route(const ms_route_args *args, ms_stream stream) {
    CheckedRoute full;
    if (const ms_status status = check_route(args, full); status != MS_OK)
        return status;
    if (const ms_status status = topk(&full.topk, stream); status != MS_OK)
        return status;
    return route_metadata(&full.metadata, stream);
}

} // namespace moescope::reference
