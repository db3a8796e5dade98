#include "kernels/dequant/dequant_checks.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>

namespace moescope::reference {

ms_status compact_experts(const ms_compact_experts_args *args, ms_stream) {
    ms_compact_experts_args full;
    if (const ms_status status = check_compact_experts(args, full))
        return status;
    std::int32_t count = 0;
    for (std::int32_t expert = 0; expert < full.experts && count < full.capacity; ++expert)
        if (full.offsets[expert] < full.offsets[expert + 1]) {
            full.active[count] = expert;
            full.compact_offsets[count++] = full.offsets[expert];
        }
    std::fill(full.active + count, full.active + full.capacity, -1);
    std::fill(full.compact_offsets + count, full.compact_offsets + full.capacity + 1,
              full.offsets[full.experts]);
    *full.count = count;
    return MS_OK;
}

} // namespace moescope::reference
