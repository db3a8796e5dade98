#include "profiler/worker/cuda/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace moescope {

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
        return Error{"NVML", fmt::format("nvmlInit_v2: {}", library.error_string(failed)), ""};
    library.find(library.shutdown, "nvmlShutdown");
    if (const int failed = library.device_by_pci(pci_bus_id.c_str(), &library.device); failed != 0)
        return Error{"NVML", fmt::format("no device at {}: {}", pci_bus_id, library.error_string(failed)), ""};
    return made;
}

std::uint64_t Nvml::clock_event_reasons() const {
    unsigned long long reasons = 0;
    return library_->event_reasons(library_->device, &reasons) == 0 ? reasons : 0;
}

} // namespace moescope
