#include "profiler/worker/cpu_device.h"

#include "kernels/common/status.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "profiler/base/units.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/memory_ledger.h"
#include "profiler/worker/ranks/rank_group.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace moescope {

namespace {

constexpr std::size_t kAlignment = 256;

// The references need no scratch memory and have no tiles.
template <class Args> size_t no_workspace(const Args *) { return 0; }
// But the checks they share with the GPU ask for the split variant's.
size_t scatter2scatter_workspace(const ms_scatter2scatter_args *args) { return scatter2scatter::workspace_bytes(*args); }
ms_status no_default_config(const ms_scatter2scatter_args *, ms_tile_config *config) {
    *config = {};
    return fail(MS_UNSUPPORTED, "the CPU has no tile kernels");
}
ms_status no_compile(const ms_scatter2scatter_args *, const char *, ms_tile_resources *) {
    return fail(MS_UNSUPPORTED, "the CPU has no tile kernels");
}

constexpr KernelTable kReferences = {
    .topk = reference::topk,
    .router = reference::router,
    .router_workspace_bytes = no_workspace,
    .route_metadata = reference::route_metadata,
    .route_metadata_workspace_bytes = no_workspace,
    .route = reference::route,
    .route_workspace_bytes = no_workspace,
    .tile_schedule = reference::tile_schedule,
    .bitmatrix = reference::bitmatrix,
    .bitmatrix_workspace_bytes = no_workspace,
    .ragged_metadata = reference::ragged_metadata,
    .routing_data = reference::routing_data,
    .routing_data_workspace_bytes = no_workspace,
    .scatter2scatter = reference::scatter2scatter,
    .scatter2scatter_workspace_bytes = scatter2scatter_workspace,
    .scatter2scatter_default_config = no_default_config,
    .scatter2scatter_compile = no_compile,
    .lora_grad = reference::lora_grad,
    .lora_grad_workspace_bytes = no_workspace,
    .combine = reference::combine,
    .moe_mlp = reference::moe_mlp,
    .moe_mlp_workspace_bytes = reference::moe_mlp_workspace_bytes,
    .moe_mlp_compile = nullptr,
    .moe_mlp_backward = reference::moe_mlp_backward,
    .moe_mlp_backward_workspace_bytes = reference::moe_mlp_backward_workspace_bytes,
    .active_experts = reference::active_experts,
    .selective_dequant = reference::selective_dequant,
    .select_experts = reference::select_experts,
    .entropy = reference::entropy,
    .entropy_workspace_bytes = no_workspace,
    .entropy_backward = reference::entropy_backward,
    .entropy_backward_workspace_bytes = no_workspace,
    .selective_log_softmax = reference::selective_log_softmax,
    .selective_log_softmax_workspace_bytes = no_workspace,
    .selective_log_softmax_backward = reference::selective_log_softmax_backward,
    .selective_log_softmax_backward_workspace_bytes = no_workspace,
    .logprob_stats = reference::logprob_stats,
    .logprob_stats_workspace_bytes = no_workspace,
    .fill_uniform = reference::fill_uniform,
    .fill_bytes = reference::fill_bytes,
    .routing_logits = reference::routing_logits,
};

class CpuDevice final : public Device {
  public:
    CpuDevice(DeviceInfo info, NameTable &names) : names_(names), info_(std::move(info)) {}

    const DeviceInfo &info() const override { return info_; }
    const KernelTable &kernels() const override { return kReferences; }
    ms_stream stream() const override { return nullptr; }
    void set_ceilings(const Ceilings &ceilings) override { moescope::set_cpu_ceilings(info_, ceilings); }
    Status measure_ceilings() override {
        moescope::set_cpu_ceilings(info_, measure_cpu_ceilings());
        return {};
    }

    Result<Buffer> allocate(std::int64_t bytes, std::string_view label) override {
        if (bytes == 0)
            return Buffer();
        // Linux promises more than it has: ask before, so that nothing is killed later.
        void *data = bytes > free_bytes() ? nullptr : std::aligned_alloc(kAlignment, rounded(bytes));
        if (!data)
            return Error{fmt::format("{} ({})", label, format_bytes(double(bytes))),
                         fmt::format("this machine has {} free", format_bytes(double(free_bytes()))),
                         "choose fewer tokens or a smaller model"};
        ledger_.allocated(data, bytes, names_.intern(label), tag_);
        return Buffer(this, data, bytes);
    }
    void free(void *data, std::int64_t) override {
        ledger_.freed(data, tag_);
        std::free(data);
    }
    Status upload(void *to, const void *from, std::int64_t bytes) override { return copy(to, from, bytes); }
    Status download(void *to, const void *from, std::int64_t bytes) override { return copy(to, from, bytes); }
    Status fill_byte(void *data, std::uint8_t value, std::int64_t bytes) override {
        std::memset(data, value, std::size_t(bytes));
        return {};
    }
    std::int64_t free_bytes() override { return available_memory_bytes(); }
    Status synchronize() override { return {}; }

    Status make_cold() override { return {}; }
    Status begin_repetition(Tag tag) override {
        tag_ = tag;
        begin_ = std::chrono::steady_clock::now();
        return {};
    }
    Status end_repetition() override {
        const auto took = std::chrono::steady_clock::now() - begin_;
        times_ns_.push_back(float(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
        tag_ = {};
        return {};
    }
    Result<std::vector<float>> take_repetition_times_ns() override { return std::exchange(times_ns_, {}); }
    std::uint64_t clock_event_reasons() override { return 0; }

    Status start_capture() override {
        return Error{"CUPTI activity capture", "the CPU has none", "times are the host clock's"};
    }
    Status stop_capture() override { return {}; }
    Result<std::unique_ptr<RowTransport>> open_transport(Meeting &meeting) override { return make_tcp_transport(meeting); }
    void ran(std::string_view what, std::int64_t start_ns, std::int64_t end_ns) override {
        steps_.push_back({start_ns, end_ns, names_.intern(what), 0, std::uint32_t(getpid()), std::uint32_t(gettid()), tag_});
    }
    Result<CaptureBatch> take_capture() override {
        CaptureBatch batch;
        batch.api_calls = std::exchange(steps_, {});
        batch.memory = ledger_.take();
        return batch;
    }
    std::int64_t live_bytes() const override { return ledger_.live_bytes(); }
    std::int64_t peak_bytes() override { return ledger_.take_peak(); }

  private:
    static std::size_t rounded(std::int64_t bytes) {
        return (std::size_t(bytes) + kAlignment - 1) / kAlignment * kAlignment;
    }
    static Status copy(void *to, const void *from, std::int64_t bytes) {
        if (bytes > 0)
            std::memcpy(to, from, std::size_t(bytes));
        return {};
    }

    NameTable &names_;
    DeviceInfo info_;
    MemoryLedger ledger_;
    Tag tag_;
    std::chrono::steady_clock::time_point begin_;
    std::vector<float> times_ns_;
    std::vector<ApiRecord> steps_; // of the host, as operators told them
};

} // namespace

std::unique_ptr<Device> make_cpu_device(DeviceInfo info, NameTable &names) {
    return std::make_unique<CpuDevice>(std::move(info), names);
}

} // namespace moescope
