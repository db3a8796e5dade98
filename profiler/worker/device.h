// What a worker runs on: a CUDA GPU, or the CPU with the reference implementations. Operators see
// only this; the same operator code serves both.
#pragma once

#include "kernels/inputs/inputs.h"
#include "kernels/reference.h"
#include "profiler/base/result.h"
#include "profiler/session/records.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moescope {

// Names of kernels, calls and allocations, interned; a batch on the wire carries the new ones.
class NameTable {
  public:
    NameId intern(std::string_view name);
    const std::vector<std::string> &all() const { return names_; }

  private:
    std::vector<std::string> names_;
    std::unordered_map<std::string, NameId> ids_;
};

// The operators' entry points: the C interface on a GPU, the references on the CPU.
struct KernelTable {
    ms_status (*topk)(const ms_topk_args *, ms_stream);
    ms_status (*router)(const ms_router_args *, ms_stream);
    size_t (*router_workspace_bytes)(const ms_router_args *);
    ms_status (*route_metadata)(const ms_route_metadata_args *, ms_stream);
    size_t (*route_metadata_workspace_bytes)(const ms_route_metadata_args *);
    ms_status (*route)(const ms_route_args *, ms_stream);
    size_t (*route_workspace_bytes)(const ms_route_args *);
    ms_status (*tile_schedule)(const ms_tile_schedule_args *, ms_stream);
    ms_status (*bitmatrix)(const ms_bitmatrix_args *, ms_stream);
    size_t (*bitmatrix_workspace_bytes)(const ms_bitmatrix_args *);
    ms_status (*ragged_metadata)(const ms_ragged_metadata_args *, ms_stream);
    ms_status (*routing_data)(const ms_routing_data_args *, ms_stream);
    size_t (*routing_data_workspace_bytes)(const ms_routing_data_args *);
    ms_status (*scatter2scatter)(const ms_scatter2scatter_args *, ms_stream);
    size_t (*scatter2scatter_workspace_bytes)(const ms_scatter2scatter_args *);
    ms_status (*scatter2scatter_default_config)(const ms_scatter2scatter_args *, ms_tile_config *);
    ms_status (*scatter2scatter_compile)(const ms_scatter2scatter_args *, const char *arch, ms_tile_resources *);
    ms_status (*lora_grad)(const ms_lora_grad_args *, ms_stream);
    size_t (*lora_grad_workspace_bytes)(const ms_lora_grad_args *);
    ms_status (*combine)(const ms_combine_args *, ms_stream);
    ms_status (*moe_mlp)(const ms_moe_mlp_args *, ms_stream);
    size_t (*moe_mlp_workspace_bytes)(const ms_moe_mlp_args *);
    ms_status (*moe_mlp_compile)(const ms_moe_mlp_args *, const char *arch); // null: nothing to compile
    ms_status (*moe_mlp_backward)(const ms_moe_mlp_backward_args *, ms_stream);
    size_t (*moe_mlp_backward_workspace_bytes)(const ms_moe_mlp_backward_args *);
    ms_status (*active_experts)(const ms_active_experts_args *, ms_stream);
    ms_status (*selective_dequant)(const ms_selective_dequant_args *, ms_stream);
    ms_status (*select_experts)(const ms_select_experts_args *, ms_stream);
    ms_status (*entropy)(const ms_entropy_args *, ms_stream);
    size_t (*entropy_workspace_bytes)(const ms_entropy_args *);
    ms_status (*entropy_backward)(const ms_entropy_backward_args *, ms_stream);
    size_t (*entropy_backward_workspace_bytes)(const ms_entropy_backward_args *);
    ms_status (*selective_log_softmax)(const ms_selective_log_softmax_args *, ms_stream);
    size_t (*selective_log_softmax_workspace_bytes)(const ms_selective_log_softmax_args *);
    ms_status (*selective_log_softmax_backward)(const ms_selective_log_softmax_backward_args *, ms_stream);
    size_t (*selective_log_softmax_backward_workspace_bytes)(const ms_selective_log_softmax_backward_args *);
    ms_status (*logprob_stats)(const ms_logprob_stats_args *, ms_stream);
    size_t (*logprob_stats_workspace_bytes)(const ms_logprob_stats_args *);
    ms_status (*fill_uniform)(const FillUniformArgs *, ms_stream);
    ms_status (*fill_bytes)(const FillBytesArgs *, ms_stream);
    ms_status (*routing_logits)(const RoutingLogitsArgs *, ms_stream);
};

class Device;
class CounterSource;
class PmSampler;
class PcSampler;
class Meeting;
class RowTransport;

// Device memory on the ledger; freed when it goes out of scope. Move-only.
class Buffer {
  public:
    Buffer() = default;
    Buffer(Device *device, void *data, std::int64_t bytes) : device_(device), data_(data), bytes_(bytes) {}
    Buffer(Buffer &&other) noexcept;
    Buffer &operator=(Buffer &&other) noexcept;
    ~Buffer();

    void *data() const { return data_; }
    template <typename T> T *as() const { return static_cast<T *>(data_); }
    std::int64_t bytes() const { return bytes_; }

  private:
    Device *device_ = nullptr;
    void *data_ = nullptr;
    std::int64_t bytes_ = 0;
};

// What a capture collected since the last take: complete records only.
struct CaptureBatch {
    std::vector<KernelRecord> kernels;
    std::vector<ApiRecord> api_calls;
    std::vector<CopyRecord> copies;
    std::vector<MemoryRecord> memory;
    std::vector<OverheadRecord> overheads;
    std::vector<CounterRecord> counters;
    std::vector<PmSampleRecord> pm_samples;
    std::vector<DeviceStateRecord> device_states;
    std::vector<PcSampleRecord> pc_samples;
    std::int64_t dropped = 0;
};

class Device {
  public:
    virtual ~Device() = default;

    virtual const DeviceInfo &info() const = 0;
    virtual const KernelTable &kernels() const = 0;
    virtual ms_stream stream() const = 0;

    // Replaces the ceilings that info() tells.
    virtual void set_ceilings(const Ceilings &ceilings) = 0;
    // Measures the ceilings, which takes a moment: info() has what could be measured, also when the
    // error says what could not.
    virtual Status measure_ceilings() = 0;

    // Uninitialised memory, 256-byte aligned; null and off the ledger for 0 bytes. Out of memory:
    // bytes wanted and bytes free.
    virtual Result<Buffer> allocate(std::int64_t bytes, std::string_view label) = 0;
    virtual void free(void *data, std::int64_t bytes) = 0;
    virtual Status upload(void *to_device, const void *from_host, std::int64_t bytes) = 0;
    virtual Status download(void *to_host, const void *from_device, std::int64_t bytes) = 0;
    virtual Status fill_byte(void *data, std::uint8_t value, std::int64_t bytes) = 0;
    virtual std::int64_t free_bytes() = 0; // memory that allocate() could still give
    virtual Status synchronize() = 0;      // errors of earlier launches surface here

    // Work enqueued between begin and end belongs to `tag` and is one timed repetition.
    virtual Status make_cold() = 0; // evicts the inputs from the L2 (a no-op on the CPU)
    virtual Status begin_repetition(Tag tag) = 0;
    virtual Status end_repetition() = 0;
    // Durations of the repetitions since the last call, in order (CUDA events; host clock on the
    // CPU). Synchronises.
    virtual Result<std::vector<float>> take_repetition_times_ns() = 0;

    // From now on kernels compiled at run time come from these texts in place of their own; empty: from
    // their own again. By the thread that launches.
    virtual Status edit_sources(const std::vector<SourceFile> &files);

    // What holds the clocks back now: NVML's nvmlClocksEventReasons bits; 0 for nothing, or unknown.
    virtual std::uint64_t clock_event_reasons() = 0;
    // Clocks, temperature and power now; nothing where the device does not tell. Any thread may ask
    // while another one launches.
    virtual std::optional<DeviceStateRecord> state() { return std::nullopt; }

    // Activity capture (CUPTI); on the CPU start_capture() fails with the reason and the rest is empty.
    virtual Status start_capture() = 0;
    virtual Status stop_capture() = 0;
    virtual Result<CaptureBatch> take_capture() = 0; // synchronises
    // Hardware counters. While the source lives nothing else is collected. The error says why there are
    // none for this device or user, and what would change that.
    virtual Result<std::unique_ptr<CounterSource>> open_counters();
    // The same for samples over time (alternatives as in profiler/metrics/metric.h) and of instructions. That
    // a device has them is one of its capabilities, tried here; a choice it cannot sample is an error
    // beside it. Launches may be captured while counters are sampled.
    virtual Result<std::unique_ptr<PmSampler>> open_pm_sampler(const std::vector<std::string> &metrics,
                                                               std::int64_t interval_ns);
    virtual Result<std::unique_ptr<PcSampler>> open_pc_sampler();
    // How rows travel between this device's memory and the other ranks'; the error says what is missing.
    virtual Result<std::unique_ptr<RowTransport>> open_transport(Meeting &meeting);
    // A step that an operator took on the host, by its clock: a record where no capture sees kernels.
    virtual void ran(std::string_view /*what*/, std::int64_t /*start_ns*/, std::int64_t /*end_ns*/) {}
    // The ledger's bytes now, and their maximum since the last call of peak_bytes().
    virtual std::int64_t live_bytes() const = 0;
    virtual std::int64_t peak_bytes() = 0;
};

// Every device this worker could open, "cpu" last. Never fails: what is missing is a capability.
std::vector<DeviceInfo> list_devices();
// id: "auto" (the first), "cuda:N", "cpu".
Result<std::unique_ptr<Device>> open_device(std::string_view id, NameTable &names);

} // namespace moescope
