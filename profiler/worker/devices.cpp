#include "profiler/worker/cpu_device.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/metric_answers.h"
#include "profiler/worker/source_answers.h"

#ifdef MOESCOPE_CUDA
#include "profiler/worker/cuda/cuda_device.h"
#endif

#include <fmt/format.h>

#include <charconv>

namespace moescope {

namespace {

#ifndef MOESCOPE_CUDA
Result<std::vector<DeviceInfo>> list_cuda_devices() {
    return Error{"CUDA", "this worker was built without it", "build with -DMOESCOPE_CUDA=ON"};
}
Result<std::unique_ptr<Device>> open_cuda_device(int index, NameTable &) {
    return Error{fmt::format("device cuda:{}", index), "this worker was built without CUDA",
                 "build with -DMOESCOPE_CUDA=ON, or choose cpu"};
}
#endif

Error unknown_device(std::string_view id) {
    std::string known;
    for (const DeviceInfo &device : list_devices())
        known += (known.empty() ? "" : ", ") + device.id;
    return {fmt::format("device \"{}\"", id), "it must be auto or one of " + known, ""};
}

Result<std::unique_ptr<Device>> open_cpu(NameTable &names) {
    DeviceInfo info = describe_cpu();
    set_cpu_ceilings(info, quick_cpu_ceilings(info));
    return make_cpu_device(std::move(info), names);
}

} // namespace

#ifndef MOESCOPE_CUDA
MetricsAnswer answer_metrics(const MetricsRequest &request) {
    MetricsAnswer answer;
    answer.chip = request.chip;
    answer.error = {"the counters of a chip", "this worker was built without CUDA", "build with -DMOESCOPE_CUDA=ON"};
    return answer;
}

SourceAnswer answer_source(const SourceRequest &request) {
    SourceAnswer answer;
    answer.arch = request.arch;
    answer.error = {"the source of a kernel", "this worker was built without CUDA", "build with -DMOESCOPE_CUDA=ON"};
    return answer;
}
#endif

std::vector<DeviceInfo> list_devices() {
    const Result<std::vector<DeviceInfo>> gpus = list_cuda_devices();
    std::vector<DeviceInfo> devices = gpus ? *gpus : std::vector<DeviceInfo>{};
    devices.push_back(describe_cpu());
    if (!gpus)
        devices.back().capabilities.push_back({"cuda", "absent", gpus.error().sentence()});
    return devices;
}

Result<std::unique_ptr<Device>> open_device(std::string_view id, NameTable &names) {
    constexpr std::string_view kCudaPrefix = "cuda:";
    if (id == "auto")
        return open_device(list_devices().front().id, names);
    if (id == "cpu")
        return open_cpu(names);
    if (!id.starts_with(kCudaPrefix))
        return unknown_device(id);
    const std::string_view number = id.substr(kCudaPrefix.size());
    int index = -1;
    const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), index);
    if (failed != std::errc() || end != number.data() + number.size() || index < 0)
        return unknown_device(id);
    const Result<std::vector<DeviceInfo>> gpus = list_cuda_devices();
    if (!gpus)
        return Error{fmt::format("device \"{}\"", id), gpus.error().sentence(), "choose cpu"};
    if (index >= int(gpus->size()))
        return unknown_device(id);
    return open_cuda_device(index, names);
}

} // namespace moescope
