#include "kernels/common/parallel_for.h"
#include "kernels/dequant/active_rows.h"
#include "kernels/dequant/dequant_checks.h"
#include "kernels/reference.h"

#include <cstdint>
#include <cstring>

namespace moescope::reference {

ms_status select_experts(const ms_select_experts_args *args, ms_stream) {
    ms_select_experts_args full;
    if (const ms_status status = check_select_experts(args, full))
        return status;
    const ActiveRows rows{full.active, full.count, full.capacity, full.experts};
    parallel_for(row_count(rows), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t expert = expert_of(rows, row);
            if (expert >= 0)
                std::memcpy(static_cast<char *>(full.dst) + row * full.row_bytes,
                            static_cast<const char *>(full.src) + expert * full.row_bytes,
                            std::size_t(full.row_bytes));
        }
    });
    return MS_OK;
}

} // namespace moescope::reference
