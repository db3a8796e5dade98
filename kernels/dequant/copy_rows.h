// Copying whole experts: select_experts, and the dense form of dequantisation.
#pragma once

#include "kernels/dequant/active_rows.h"
#include "kernels/include/moescope/kernels.h"

#include <cstdint>

namespace moescope {

// dst[i] = src[expert of row i], in rows of row_bytes; at most max_rows of them.
ms_status copy_rows(const void *src, void *dst, std::int64_t row_bytes, const ActiveRows &rows,
                    std::int64_t max_rows, ms_stream stream);

} // namespace moescope
