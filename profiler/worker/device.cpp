#include "profiler/worker/device.h"

#include "profiler/worker/counter_source.h"
#include "profiler/worker/ranks/rank_group.h"
#include "profiler/worker/samplers.h"

#include <cstdint>
#include <utility>

namespace moescope {

NameId NameTable::intern(std::string_view name) {
    auto [found, added] = ids_.try_emplace(std::string(name), NameId{std::uint32_t(names_.size())});
    if (added)
        names_.emplace_back(name);
    return found->second;
}

Buffer::Buffer(Buffer &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)), data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Buffer &Buffer::operator=(Buffer &&other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Buffer::~Buffer() {
    if (device_)
        device_->free(data_, bytes_);
}

Status Device::edit_sources(const std::vector<SourceFile> &files) {
    if (files.empty())
        return {};
    return Error{"edited sources", info().name + " runs nothing that is compiled at run time", "choose a CUDA device"};
}

Result<std::unique_ptr<CounterSource>> Device::open_counters() {
    return Error{"hardware counters", info().name + " has none that could be read", "choose a CUDA device"};
}

Result<std::unique_ptr<PmSampler>> Device::open_pm_sampler(const std::vector<std::string> &, std::int64_t) {
    return Error{"sampled counters", info().name + " has none that could be read", "choose a CUDA device"};
}

Result<std::unique_ptr<PcSampler>> Device::open_pc_sampler() {
    return Error{"sampled instructions", info().name + " has none that could be read", "choose a CUDA device"};
}

Result<std::unique_ptr<RowTransport>> Device::open_transport(Meeting &) {
    return Error{"rows cannot travel between ranks", info().name + " has no way for them", "choose another device"};
}

} // namespace moescope
