// What this machine and its processor are, from /proc and sysconf.
#pragma once

#include "profiler/base/host_name.h"
#include "profiler/session/records.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace moescope {

struct CpuFacts {
    std::string model;    // "AMD EPYC 9654 96-Core Processor"
    std::int32_t clock_mhz = 0; // as reported now; 0: not reported
    std::int32_t float_ops_per_clock = 8; // float32 FLOPs a core and clock at the widest vectors
};
// Of the first processor in /proc/cpuinfo's format.
CpuFacts parse_cpuinfo(std::string_view text);

std::int64_t available_memory_bytes(); // that could be allocated without swapping

// No ceilings yet: those are measured when the device is opened.
DeviceInfo describe_cpu();
// Bandwidth of a copy over all cores (measured), and FLOP/s from cores, clock and vector width
// (derived).
Ceilings quick_cpu_ceilings(const DeviceInfo &info);
// Both measured: the FLOP/s are those of independent float32 multiply-adds at the widest vectors, on
// all cores.
Ceilings measure_cpu_ceilings();
// With a capability each that says where it comes from.
void set_cpu_ceilings(DeviceInfo &info, const Ceilings &ceilings);

} // namespace moescope
