// A GPU's clocks and what holds them back, asked of the driver's management library (NVML), which is loaded at
// run time: no header and no stub of it is needed, and a machine without it only says so.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <memory>
#include <string>

namespace moescope {

class Nvml {
  public:
    // pci_bus_id as cudaDeviceGetPCIBusId writes it. The error says whether the library or the device
    // is missing.
    static Result<std::unique_ptr<Nvml>> open(const std::string &pci_bus_id);
    ~Nvml();
    Nvml(const Nvml &) = delete;
    Nvml &operator=(const Nvml &) = delete;

    // nvmlClocksEventReasons bits as they hold now; 0 where the device does not tell.
    std::uint64_t clock_event_reasons() const;
    struct State {
        int sm_clock_mhz = 0, memory_clock_mhz = 0, temperature_c = 0;
        double power_w = 0;
    };
    State state() const;                // as it is now; 0 where the device does not tell
    // Of all NVLinks that are up together, each direction, by their signalling rate; 0 where there are none.
    double link_bytes_per_second() const;
    std::string driver_version() const; // "580.82.07"; "" where it is hidden

  private:
    struct Library;
    Nvml();
    std::unique_ptr<Library> library_;
};

} // namespace moescope
