// The ways ms_route_metadata sorts; all give the same result. Arguments have been checked, and the
// workspace holds what the largest of them needs.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cstddef>
#include <cstdint>

namespace moescope {

// One launch, by blocks that run at the same time.
bool sorts_at_once(std::int64_t slots, std::int32_t experts);
std::size_t at_once_workspace_bytes(std::int64_t slots, std::int32_t experts);
ms_status sort_at_once(const ms_route_metadata_args &args, ms_stream stream);

// Several kernels, for anything.
std::size_t pieces_workspace_bytes(std::int64_t slots, std::int32_t experts);
ms_status sort_in_pieces(const ms_route_metadata_args &args, ms_stream stream);

} // namespace moescope
