#include "profiler/export/trace_rows.h"

#include <cstdint>

namespace moescope {

std::uint32_t TraceRows::place(std::int64_t start_ns, std::int64_t end_ns) {
    for (std::uint32_t row = 0;; ++row) {
        if (row == open_.size())
            open_.emplace_back();
        auto &ends = open_[row];
        while (!ends.empty() && ends.back() <= start_ns)
            ends.pop_back();
        if (ends.empty() || (rule_ == Rule::Nested && end_ns <= ends.back())) {
            ends.push_back(end_ns);
            return row;
        }
    }
}

} // namespace moescope
