#include "kernels/routing/route_at_once.cuh"

namespace moescope {

template ms_status route_as<TopkKind::Choice>(const CheckedRoute &, bool &, ms_stream);

} // namespace moescope
