#include "profiler/worker/cuda/nvml.h"

#include <dlfcn.h>

namespace moescope {

namespace {

// nvmlFieldValue_t
struct FieldValue {
    unsigned field = 0, scope = 0;
    long long timestamp = 0, latency_us = 0;
    int type = 0, result = 0;
    unsigned long long value = 0; // of an unsigned int: its low half
};

} // namespace

struct Nvml::Library {
    using Handle = void *;

    ~Library() {
        if (shutdown)
            shutdown();
        if (file)
            dlclose(file);
    }
    template <typename Function> bool find(Function &function, const char *name) const {
        function = reinterpret_cast<Function>(dlsym(file, name));
        return function != nullptr;
    }

    void *file = nullptr;
    Handle device = nullptr;
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr; // set once init has succeeded
    const char *(*error_string)(int) = nullptr;
    int (*device_by_pci)(const char *, Handle *) = nullptr;
    int (*event_reasons)(Handle, unsigned long long *) = nullptr;
    // Below: not needed to be there.
    int (*clock)(Handle, int, unsigned *) = nullptr;
    int (*temperature)(Handle, int, unsigned *) = nullptr;
    int (*power)(Handle, unsigned *) = nullptr;
    int (*driver)(char *, unsigned) = nullptr;
    int (*link_state)(Handle, unsigned, unsigned *) = nullptr;
    int (*field_values)(Handle, int, FieldValue *) = nullptr;
};

Nvml::Nvml() : library_(std::make_unique<Library>()) {}
Nvml::~Nvml() = default;

Result<std::unique_ptr<Nvml>> Nvml::open(const std::string &pci_bus_id) {
    std::unique_ptr<Nvml> made(new Nvml);
    Library &library = *made->library_;
    library.file = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library.file)
        return Error{"NVML", "libnvidia-ml.so.1 cannot be loaded", "install the driver's libraries"};
    // The second name is the one before driver 535.
    if (!library.find(library.init, "nvmlInit_v2") || !library.find(library.error_string, "nvmlErrorString") ||
        !library.find(library.device_by_pci, "nvmlDeviceGetHandleByPciBusId_v2") ||
        (!library.find(library.event_reasons, "nvmlDeviceGetCurrentClocksEventReasons") &&
         !library.find(library.event_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons")))
        return Error{"NVML", "libnvidia-ml.so.1 lacks a function that is needed", "update the driver"};
    if (const int failed = library.init(); failed != 0)
        return Error{"NVML", std::string("nvmlInit_v2: ") + library.error_string(failed), ""};
    library.find(library.shutdown, "nvmlShutdown");
    if (const int failed = library.device_by_pci(pci_bus_id.c_str(), &library.device); failed != 0)
        return Error{"NVML", "no device at " + pci_bus_id + ": " + library.error_string(failed), ""};
    library.find(library.clock, "nvmlDeviceGetClockInfo");
    library.find(library.temperature, "nvmlDeviceGetTemperature");
    library.find(library.power, "nvmlDeviceGetPowerUsage");
    library.find(library.driver, "nvmlSystemGetDriverVersion");
    library.find(library.link_state, "nvmlDeviceGetNvLinkState");
    library.find(library.field_values, "nvmlDeviceGetFieldValues");
    return made;
}

std::uint64_t Nvml::clock_event_reasons() const {
    unsigned long long reasons = 0;
    return library_->event_reasons(library_->device, &reasons) == 0 ? reasons : 0;
}

Nvml::State Nvml::state() const {
    constexpr int kSmClock = 1, kMemoryClock = 2, kGpuSensor = 0; // nvmlClockType_t and the like
    const auto clock = [&](int which) {
        unsigned mhz = 0;
        return library_->clock && library_->clock(library_->device, which, &mhz) == 0 ? int(mhz) : 0;
    };
    State state{.sm_clock_mhz = clock(kSmClock), .memory_clock_mhz = clock(kMemoryClock)};
    unsigned value = 0;
    if (library_->temperature && library_->temperature(library_->device, kGpuSensor, &value) == 0)
        state.temperature_c = int(value);
    if (library_->power && library_->power(library_->device, &value) == 0)
        state.power_w = value / 1e3;
    return state;
}

double Nvml::link_bytes_per_second() const {
    constexpr unsigned kMostLinks = 18, kSpeedMegabytes = 90; // NVML_NVLINK_MAX_LINKS, NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON
    if (!library_->link_state || !library_->field_values)
        return 0;
    unsigned up = 0;
    for (unsigned link = 0; link < kMostLinks; ++link) {
        unsigned active = 0;
        up += library_->link_state(library_->device, link, &active) == 0 && active != 0;
    }
    FieldValue speed{.field = kSpeedMegabytes};
    if (up == 0 || library_->field_values(library_->device, 1, &speed) != 0 || speed.result != 0)
        return 0;
    return double(up) * double(unsigned(speed.value)) * 1e6;
}

std::string Nvml::driver_version() const {
    char text[96] = "";
    return library_->driver && library_->driver(text, sizeof text) == 0 ? text : "";
}

} // namespace moescope
