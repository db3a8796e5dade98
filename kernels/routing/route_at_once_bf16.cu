#include "kernels/routing/route_at_once.cuh"

namespace moescope {

template ms_status route_as<TopkKind::Bf16Softmax>(const CheckedRoute &, bool &, ms_stream);
template ms_status route_as<TopkKind::Bf16Logit>(const CheckedRoute &, bool &, ms_stream);

} // namespace moescope
