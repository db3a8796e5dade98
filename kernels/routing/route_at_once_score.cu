#include "kernels/routing/route_at_once.cuh"

namespace moescope {

template ms_status route_as<TopkKind::Sigmoid>(const CheckedRoute &, bool &, ms_stream);
template ms_status route_as<TopkKind::SqrtSoftplus>(const CheckedRoute &, bool &, ms_stream);

} // namespace moescope
