#include "kernels/dequant/dequant_checks.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::reference {

ms_status active_experts(const ms_active_experts_args *args, ms_stream) {
    ms_active_experts_args full;
    if (const ms_status status = check_active_experts(args, full))
        return status;
    std::vector<bool> seen(std::size_t(full.experts));
    for (std::int64_t slot = 0; slot < full.slots; ++slot)
        if (full.ids[slot] >= 0 && full.ids[slot] < full.experts)
            seen[std::size_t(full.ids[slot])] = true;
    std::int32_t count = 0;
    for (std::int32_t expert = 0; expert < full.experts; ++expert) {
        full.remap[expert] = seen[std::size_t(expert)] ? count : -1;
        if (seen[std::size_t(expert)])
            full.active[count++] = expert;
    }
    std::fill(full.active + count, full.active + full.experts, -1);
    *full.count = count;
    return MS_OK;
}

} // namespace moescope::reference
