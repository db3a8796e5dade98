#include "profiler/worker/cuda/cuda_device.h"

#include "kernels/jit/compiler.h"
#include "profiler/base/clock.h"
#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/worker/cuda/activity_capture.h"
#include "profiler/worker/cuda/counter_access.h"
#include "profiler/worker/cuda/cuda_info.h"
#include "profiler/worker/cuda/cupti_api.h"
#include "profiler/worker/cuda/matrix_rate.h"
#include "profiler/worker/cuda/nccl.h"
#include "profiler/worker/cuda/nvml.h"
#include "profiler/worker/cuda/pc_sampling.h"
#include "profiler/worker/cuda/pm_sampling.h"
#include "profiler/worker/cuda/range_profiler.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#define MOESCOPE_CUDA_TRY(call)                                                                    \
    if (::moescope::Status tried = cuda_check((call), #call); !tried)                              \
    return tried.error()

namespace moescope {

namespace {

const KernelTable kCudaKernels = {
    .topk = ms_topk,
    .router = ms_router,
    .router_workspace_bytes = ms_router_workspace_bytes,
    .route_metadata = ms_route_metadata,
    .route_metadata_workspace_bytes = ms_route_metadata_workspace_bytes,
    .route = ms_route,
    .route_workspace_bytes = ms_route_workspace_bytes,
    .tile_schedule = ms_tile_schedule,
    .bitmatrix = ms_bitmatrix,
    .bitmatrix_workspace_bytes = ms_bitmatrix_workspace_bytes,
    .ragged_metadata = ms_ragged_metadata,
    .routing_data = ms_routing_data,
    .routing_data_workspace_bytes = ms_routing_data_workspace_bytes,
    .scatter2scatter = ms_scatter2scatter,
    .scatter2scatter_workspace_bytes = ms_scatter2scatter_workspace_bytes,
    .scatter2scatter_default_config = ms_scatter2scatter_default_config,
    .scatter2scatter_compile = ms_scatter2scatter_compile,
    .lora_grad = ms_lora_grad,
    .lora_grad_workspace_bytes = ms_lora_grad_workspace_bytes,
    .combine = ms_combine,
    .moe_mlp = ms_moe_mlp,
    .moe_mlp_workspace_bytes = ms_moe_mlp_workspace_bytes,
    .moe_mlp_compile = ms_moe_mlp_compile,
    .moe_mlp_backward = ms_moe_mlp_backward,
    .moe_mlp_backward_workspace_bytes = ms_moe_mlp_backward_workspace_bytes,
    .active_experts = ms_active_experts,
    .selective_dequant = ms_selective_dequant,
    .select_experts = ms_select_experts,
    .entropy = ms_entropy,
    .entropy_workspace_bytes = ms_entropy_workspace_bytes,
    .entropy_backward = ms_entropy_backward,
    .entropy_backward_workspace_bytes = ms_entropy_backward_workspace_bytes,
    .selective_log_softmax = ms_selective_log_softmax,
    .selective_log_softmax_workspace_bytes = ms_selective_log_softmax_workspace_bytes,
    .selective_log_softmax_backward = ms_selective_log_softmax_backward,
    .selective_log_softmax_backward_workspace_bytes = ms_selective_log_softmax_backward_workspace_bytes,
    .logprob_stats = ms_logprob_stats,
    .logprob_stats_workspace_bytes = ms_logprob_stats_workspace_bytes,
    .fill_uniform = fill_uniform,
    .fill_bytes = fill_bytes,
    .routing_logits = routing_logits,
};

bool cupti_wanted() { return counter_access().cupti; }

Status no_cupti(const char *what) { return Error{what, "MOESCOPE_NO_CUPTI is set", "unset it"}; }

// What a user could mend was refused; the rest this device or driver has not.
DeviceInfo::Capability sampling_capability(const char *collector, const Status &tried) {
    return cupti::capability(collector, tried, tried || tried.error().remedy.empty() ? "absent" : "refused");
}

class CudaDevice final : public Device {
  public:
    CudaDevice(int index, NameTable &names) : index_(index), names_(names), activity_(names) {}
    ~CudaDevice() override;

    Status open();

    const DeviceInfo &info() const override { return info_; }
    const KernelTable &kernels() const override { return kCudaKernels; }
    ms_stream stream() const override { return stream_; }
    void set_ceilings(const Ceilings &ceilings) override { info_.ceilings = ceilings; }
    Status measure_ceilings() override;

    Result<Buffer> allocate(std::int64_t bytes, std::string_view label) override;
    void free(void *data, std::int64_t bytes) override;
    Status upload(void *to_device, const void *from_host, std::int64_t bytes) override;
    Status download(void *to_host, const void *from_device, std::int64_t bytes) override;
    Status fill_byte(void *data, std::uint8_t value, std::int64_t bytes) override;
    std::int64_t free_bytes() override;
    Status synchronize() override;

    Status make_cold() override;
    Status begin_repetition(Tag tag) override;
    Status end_repetition() override;
    Result<std::vector<float>> take_repetition_times_ns() override;
    Status edit_sources(const std::vector<SourceFile> &files) override;
    std::uint64_t clock_event_reasons() override { return nvml_ ? nvml_->clock_event_reasons() : 0; }

    std::optional<DeviceStateRecord> state() override;

    Status start_capture() override;
    Status stop_capture() override;
    Result<CaptureBatch> take_capture() override;
    Result<std::unique_ptr<CounterSource>> open_counters() override;
    Result<std::unique_ptr<PmSampler>> open_pm_sampler(const std::vector<std::string> &metrics,
                                                       std::int64_t interval_ns) override;
    Result<std::unique_ptr<PcSampler>> open_pc_sampler() override;
    Result<std::unique_ptr<RowTransport>> open_transport(Meeting &meeting) override {
        return make_nccl_transport(meeting, stream_);
    }
    std::int64_t live_bytes() const override { return ledger_.live_bytes(); }
    std::int64_t peak_bytes() override { return ledger_.take_peak(); }

  private:
    struct EventPair {
        cudaEvent_t begin = nullptr, end = nullptr;
    };
    Result<EventPair> event_pair();
    void open_nvml();
    Status measure_memory_ceiling();
    Status measure_matrix_ceiling();
    Status measure_launch();
    void set_capability(DeviceInfo::Capability capability);

    int index_;
    NameTable &names_;
    ActivityCapture activity_;
    std::unique_ptr<jit::EditedSources> edited_; // null: the sources as they are
    std::unique_ptr<Nvml> nvml_; // null where there is none
    Status capture_state_; // why capture is refused, where it is
    MemoryLedger ledger_;
    DeviceInfo info_;
    double derived_flops_per_second_ = 0;
    cudaDeviceProp properties_{};
    cudaStream_t stream_ = nullptr;
    void *flush_ = nullptr; // written to evict the L2
    std::size_t flush_bytes_ = 0;
    std::vector<EventPair> events_; // in use first, then spare
    std::size_t events_used_ = 0;
    Tag tag_;
};

CudaDevice::~CudaDevice() {
    cudaDeviceSynchronize();
    for (const EventPair &pair : events_) {
        cudaEventDestroy(pair.begin);
        cudaEventDestroy(pair.end);
    }
    cudaFree(flush_);
    if (stream_)
        cudaStreamDestroy(stream_);
}

Status CudaDevice::open() {
    // Before the context exists: see ActivityCapture.
    capture_state_ = cupti_wanted() ? activity_.subscribe()
                                    : Status(Error{"CUPTI activity capture", "MOESCOPE_NO_CUPTI is set", "unset it"});
    MOESCOPE_CUDA_TRY(cudaSetDevice(index_));
    MOESCOPE_CUDA_TRY(cudaGetDeviceProperties(&properties_, index_));
    MOESCOPE_CUDA_TRY(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));

    Result<DeviceInfo> described = describe_cuda_device(index_);
    if (!described)
        return described.error();
    info_ = *described;
    derived_flops_per_second_ = info_.ceilings.flops_per_second;
    // Some ten milliseconds. The matrix units' ceiling, whose kernel may have to be compiled first, is
    // measured on request.
    MOESCOPE_TRY(measure_memory_ceiling());
    MOESCOPE_TRY(measure_launch());
    info_.free_memory_bytes = free_bytes();
    set_capability(cupti::capability("cupti activity", capture_state_, cupti_wanted() ? "refused" : "absent"));
    open_nvml();
    flush_bytes_ = std::size_t(info_.l2_bytes) * 2;
    MOESCOPE_CUDA_TRY(cudaMalloc(&flush_, flush_bytes_));
    return {};
}

Status CudaDevice::measure_ceilings() {
    MOESCOPE_TRY(measure_memory_ceiling());
    MOESCOPE_TRY(measure_launch());
    return measure_matrix_ceiling();
}

Status CudaDevice::measure_launch() {
    const Result<double> measured = measure_launch_ns();
    MOESCOPE_TRY(measured);
    info_.ceilings.launch_ns = *measured;
    info_.ceilings.launch_measured_ns = *measured > 0 ? now_ns() : 0;
    return {};
}

Status CudaDevice::measure_memory_ceiling() {
    const Result<double> measured = measure_read_bandwidth();
    MOESCOPE_TRY(measured);
    info_.ceilings.bytes_per_second = *measured;
    info_.ceilings.bytes_measured = true;
    info_.ceilings.bytes_measured_ns = now_ns();
    if (info_.l2_bytes <= 0)
        return {};
    const Result<double> l2 = measure_l2_bandwidth(info_.l2_bytes);
    MOESCOPE_TRY(l2);
    info_.ceilings.l2_bytes_per_second = *l2;
    info_.ceilings.l2_measured_ns = now_ns();
    return {};
}

// Where the product falls far short of the rate that clocks and widths give, the kernel is what was
// measured, and not the units: then that rate stays. An H200 gives the best of libraries about three
// quarters of it.
Status CudaDevice::measure_matrix_ceiling() {
    const Result<double> measured = measure_matrix_rate();
    MOESCOPE_TRY(measured);
    constexpr double kNear = 0.7;
    if (*measured < kNear * derived_flops_per_second_)
        return Error{fmt::format("the FLOP/s ceiling of {} stays as it was", info_.name),
                     fmt::format("the dense product reaches {}, far below the {} of clocks and widths", format_flops(*measured),
                                 format_flops(derived_flops_per_second_)),
                     "measure again when nothing else runs on the device"};
    info_.ceilings.flops_per_second = *measured;
    info_.ceilings.flops_measured = true;
    info_.ceilings.flops_measured_ns = now_ns();
    return {};
}

void CudaDevice::open_nvml() {
    char bus_id[32] = "";
    cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, index_);
    Result<std::unique_ptr<Nvml>> opened = std::getenv("MOESCOPE_NO_NVML") == nullptr
                                               ? Nvml::open(bus_id)
                                               : Result<std::unique_ptr<Nvml>>(Error{"NVML", "MOESCOPE_NO_NVML is set", "unset it"});
    set_capability(cupti::capability("nvml", opened ? Status() : Status(opened.error()), "absent"));
    if (!opened)
        return;
    nvml_ = std::move(*opened);
    info_.link_bytes_per_second = nvml_->link_bytes_per_second();
}

// What trying a collector said replaces what was expected of it.
void CudaDevice::set_capability(DeviceInfo::Capability capability) {
    for (DeviceInfo::Capability &known : info_.capabilities)
        if (known.collector == capability.collector) {
            known = std::move(capability);
            return;
        }
    info_.capabilities.push_back(std::move(capability));
}

Result<Buffer> CudaDevice::allocate(std::int64_t bytes, std::string_view label) {
    if (bytes == 0)
        return Buffer();
    void *data = nullptr;
    const cudaError_t result = cudaMalloc(&data, std::size_t(bytes));
    if (result == cudaErrorMemoryAllocation) {
        cudaGetLastError(); // not sticky: clear it for the next check
        return Error{fmt::format("{} ({})", label, format_bytes(double(bytes))),
                     fmt::format("{} has {} free", info_.name, format_bytes(double(free_bytes()))),
                     "choose fewer tokens, fewer operators or a smaller model"};
    }
    if (Status made = cuda_check(result, "cudaMalloc"); !made)
        return made.error();
    ledger_.allocated(data, bytes, names_.intern(label), tag_);
    return Buffer(this, data, bytes);
}

void CudaDevice::free(void *data, std::int64_t) {
    ledger_.freed(data, tag_);
    cudaFree(data);
}

Status CudaDevice::upload(void *to_device, const void *from_host, std::int64_t bytes) {
    MOESCOPE_CUDA_TRY(cudaMemcpyAsync(to_device, from_host, std::size_t(bytes), cudaMemcpyHostToDevice, stream_));
    return synchronize(); // the host memory may go away
}

Status CudaDevice::download(void *to_host, const void *from_device, std::int64_t bytes) {
    MOESCOPE_CUDA_TRY(cudaMemcpyAsync(to_host, from_device, std::size_t(bytes), cudaMemcpyDeviceToHost, stream_));
    return synchronize();
}

Status CudaDevice::fill_byte(void *data, std::uint8_t value, std::int64_t bytes) {
    return cuda_check(cudaMemsetAsync(data, value, std::size_t(bytes), stream_), "cudaMemsetAsync");
}

std::int64_t CudaDevice::free_bytes() {
    std::size_t free = 0, total = 0;
    return cudaMemGetInfo(&free, &total) == cudaSuccess ? std::int64_t(free) : 0;
}

Status CudaDevice::synchronize() {
    return cuda_check(cudaStreamSynchronize(stream_), "a kernel launched earlier");
}

Status CudaDevice::make_cold() { return fill_byte(flush_, 0, std::int64_t(flush_bytes_)); }

Result<CudaDevice::EventPair> CudaDevice::event_pair() {
    if (events_used_ == events_.size()) {
        EventPair pair;
        MOESCOPE_CUDA_TRY(cudaEventCreate(&pair.begin));
        MOESCOPE_CUDA_TRY(cudaEventCreate(&pair.end));
        events_.push_back(pair);
    }
    return events_[events_used_++];
}

Status CudaDevice::begin_repetition(Tag tag) {
    tag_ = tag;
    Result<EventPair> pair = event_pair();
    if (!pair)
        return pair.error();
    if (activity_.running())
        if (Status pushed = activity_.push(tag); !pushed)
            return pushed;
    return cuda_check(cudaEventRecord(pair->begin, stream_), "cudaEventRecord");
}

Status CudaDevice::end_repetition() {
    MOESCOPE_CUDA_TRY(cudaEventRecord(events_[events_used_ - 1].end, stream_));
    tag_ = {};
    return activity_.running() ? activity_.pop() : Status{};
}

Result<std::vector<float>> CudaDevice::take_repetition_times_ns() {
    if (Status idle = synchronize(); !idle)
        return idle.error();
    std::vector<float> times;
    for (std::size_t i = 0; i < events_used_; ++i) {
        float milliseconds = 0;
        MOESCOPE_CUDA_TRY(cudaEventElapsedTime(&milliseconds, events_[i].begin, events_[i].end));
        times.push_back(milliseconds * 1e6f);
    }
    events_used_ = 0;
    return times;
}

Status CudaDevice::edit_sources(const std::vector<SourceFile> &files) {
    edited_.reset();
    std::vector<jit::Edit> edits;
    for (const SourceFile &file : files) {
        if (!jit::is_source(file.name))
            return Error{fmt::format("the file \"{}\"", file.name), "no kernel is made of it",
                         "moescope source names a kernel's files"};
        edits.push_back({file.name, file.text});
    }
    if (!edits.empty())
        edited_ = std::make_unique<jit::EditedSources>(std::move(edits));
    return {};
}

std::optional<DeviceStateRecord> CudaDevice::state() {
    if (!nvml_)
        return std::nullopt;
    const Nvml::State now = nvml_->state();
    DeviceStateRecord record;
    record.time_ns = now_ns();
    record.device = std::uint32_t(index_);
    record.sm_clock_mhz = now.sm_clock_mhz;
    record.memory_clock_mhz = now.memory_clock_mhz;
    record.temperature_c = now.temperature_c;
    record.power_w = now.power_w;
    record.clock_event_reasons = nvml_->clock_event_reasons();
    return record;
}

Status CudaDevice::start_capture() {
    if (!capture_state_)
        return capture_state_;
    if (activity_.running())
        return {};
    // What was collected before (CUPTI traces kernels from the first context on) belongs to nobody.
    std::vector<ObservedMemory> unclaimed;
    if (Result<CaptureBatch> before = activity_.take(unclaimed); !before)
        return before.error();
    return activity_.start();
}

Status CudaDevice::stop_capture() { return activity_.running() ? activity_.stop() : Status{}; }

Result<CaptureBatch> CudaDevice::take_capture() {
    MOESCOPE_CUDA_TRY(cudaDeviceSynchronize());
    std::vector<ObservedMemory> observed;
    CaptureBatch batch;
    if (capture_state_.ok()) {
        // Kernels are traced from the first context on: what no capture asked for is thrown away here,
        // or it would pile up.
        const bool wanted = activity_.running();
        Result<CaptureBatch> taken = activity_.take(observed);
        if (!taken)
            return taken;
        if (wanted)
            batch = std::move(*taken);
        else
            observed.clear();
    }
    for (KernelRecord &kernel : batch.kernels)
        kernel.theoretical_occupancy = theoretical_occupancy(properties_, kernel);
    batch.memory = ledger_.take(observed);
    return batch;
}

Result<std::unique_ptr<CounterSource>> CudaDevice::open_counters() {
    if (!cupti_wanted())
        return Error{"hardware counters", "MOESCOPE_NO_CUPTI is set", "unset it"};
    if (Result<CaptureBatch> rest = take_capture(); !rest) // CUPTI would lose it
        return rest.error();
    if (Status paused = activity_.pause(); !paused)
        return paused.error();
    Result<std::unique_ptr<CounterSource>> source =
        open_range_profiler(index_, names_, [this] { (void)activity_.resume(); });
    set_capability(cupti::capability(kHardwareCounters, source ? Status() : Status(source.error()), "refused"));
    return source;
}

Result<std::unique_ptr<PmSampler>> CudaDevice::open_pm_sampler(const std::vector<std::string> &metrics,
                                                               std::int64_t interval_ns) {
    if (!cupti_wanted())
        return no_cupti("sampled counters").error();
    Status access;
    Result<std::unique_ptr<PmSampler>> sampler = open_pm_sampling(index_, metrics, interval_ns, names_, access);
    set_capability(sampling_capability(kPmSampling, access));
    return sampler;
}

Result<std::unique_ptr<PcSampler>> CudaDevice::open_pc_sampler() {
    if (!cupti_wanted())
        return no_cupti("sampled instructions").error();
    if (Result<CaptureBatch> rest = take_capture(); !rest) // CUPTI would lose it
        return rest.error();
    if (Status paused = activity_.pause(); !paused)
        return paused.error();
    Result<std::unique_ptr<PcSampler>> sampler = open_pc_sampling(names_, [this] { (void)activity_.resume(); });
    set_capability(sampling_capability(kPcSampling, sampler ? Status() : Status(sampler.error())));
    return sampler;
}

Error no_cuda(cudaError_t asked) {
    cudaGetLastError(); // not sticky: clear it for the next check
    Error error = cuda_check(asked, "CUDA").error();
    if (asked == cudaErrorInsufficientDriver)
        error.remedy = "install NVIDIA's driver, or a newer one";
    else if (asked == cudaErrorNoDevice)
        error.remedy = "look whether there is an NVIDIA GPU, and whether CUDA_VISIBLE_DEVICES or a "
                       "container hides it";
    return error;
}

} // namespace

Result<std::vector<DeviceInfo>> list_cuda_devices() {
    int count = 0;
    const cudaError_t asked = cudaGetDeviceCount(&count);
    if (asked != cudaSuccess || count == 0)
        return no_cuda(asked == cudaSuccess ? cudaErrorNoDevice : asked);
    std::vector<DeviceInfo> devices;
    for (int index = 0; index < count; ++index) {
        Result<DeviceInfo> described = describe_cuda_device(index);
        if (!described)
            return described.error();
        devices.push_back(*described);
    }
    return devices;
}

Result<std::unique_ptr<Device>> open_cuda_device(int index, NameTable &names) {
    auto device = std::make_unique<CudaDevice>(index, names);
    if (Status opened = device->open(); !opened)
        return opened.error();
    return std::unique_ptr<Device>(std::move(device));
}

} // namespace moescope
