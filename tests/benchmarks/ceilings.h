// The device's limits, measured: what the floors are worked out from.
#pragma once

#include <string>

namespace moescope::bench {

// What is shorter than this is timed many launches at a time: two events alone take microseconds.
inline constexpr double kShortNs = 50e3;
inline constexpr int kShortLaunches = 20;

struct MeasuredCeilings {
    double read_bytes_per_second = 0, write_bytes_per_second = 0;
    double copy_bytes_per_second = 0; // read and written counted
    double empty_launch_ns = 0; // one of kShortLaunches in a row
    double matrix_flops_per_second = 0; // bf16 8192^3, the best of the two below
    double own_matrix_flops_per_second = 0;
    std::string own_matrix_config;
    double cublas_flops_per_second = 0; // 0: no cuBLAS could be loaded
    std::string cublas_library;         // its file
};
MeasuredCeilings measure_ceilings();

// Writes twice the L2's size.
void flush_l2();
// An empty kernel whose grid has line + 1 blocks: a profiler's output can be cut at these.
void mark_line(int line);
// Occupies the stream for about this long.
void hold_stream(double microseconds);

} // namespace moescope::bench
