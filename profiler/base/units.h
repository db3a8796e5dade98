// Quantities as people read them: three significant digits and a unit.
#pragma once

#include <cstdint>
#include <string>

namespace moescope {

std::string format_duration_ns(double ns);          // "4.21 µs", "318 µs", "1.25 ms"
std::string format_bytes(double bytes);             // "1.12 GB" (decimal), "512 B"
std::string format_bandwidth(double bytes_per_second); // "3.92 TB/s"
std::string format_flops(double flops_per_second);  // "612 TFLOP/s"
std::string format_count(double count);             // "16,384"
std::string format_date(std::int64_t unix_ns);      // "2026-03-09 14:05", local time
std::string format_ratio(double ratio);             // "1.24×"

} // namespace moescope
