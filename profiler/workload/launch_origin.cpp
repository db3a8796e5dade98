// Apart from cost.cpp, which is built for the kernels' benchmarks too, where there is no fmt.
#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <string>

namespace moescope {

std::string launch_origin(const Ceilings &ceilings) {
    if (ceilings.launch_ns <= 0)
        return "";
    const std::string took = format_duration_ns(ceilings.launch_ns);
    return ceilings.launch_measured_ns > 0
               ? fmt::format("A kernel that does nothing takes {} on this device, in a row of them (measured).", took)
               : fmt::format("No kernel of this session took less than {}, whatever it did (derived: what a launch takes was "
                             "not measured).",
                             took);
}

} // namespace moescope
