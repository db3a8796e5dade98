// A GPU that is none: the CPU's references under it, times and records by script.
#pragma once

#include "profiler/base/clock.h"
#include "profiler/worker/cpu_device.h"
#include "profiler/worker/counter_source.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/run_events.h"
#include "profiler/worker/samplers.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope::testing {

inline DeviceInfo h200_limits() {
    DeviceInfo info;
    info.id = "cuda:0";
    info.name = "Fake H200";
    info.arch = "sm_90a";
    info.multiprocessors = 132;
    info.max_threads_per_sm = 2048;
    info.warp_size = 32;
    info.max_threads_per_block = 1024;
    info.registers_per_sm = info.registers_per_block = 65536;
    info.smem_per_sm_bytes = 233472;
    info.smem_per_block_bytes = 49152;
    info.smem_per_block_optin_bytes = 232448;
    info.compute_major = 9;
    info.ceilings = {4e12, 9e14, true, false};
    return info;
}

class FakeDevice final : public Device {
  public:
    // What the script decides.
    std::function<float(std::int64_t launch)> event_ns = [](std::int64_t) { return 1000.0f; };
    std::function<std::uint64_t()> event_reasons = [] { return 0; };
    std::function<std::optional<DeviceStateRecord>()> state_now = [] { return std::nullopt; };
    bool capture_refused = false;
    bool capture_gives_nothing = false;
    // What sampling gives, from start() and stop() in host time; null: the device has none.
    std::function<PmReading(std::int64_t, std::int64_t)> pm_samples;
    std::function<PcReading()> pc_samples;
    std::string choice_refused; // why these metrics cannot be sampled
    bool lost = false; // from now on synchronize() fails
    bool sources_refused = false;
    std::int64_t incomplete_launch = -1; // the record of its second kernel is dropped
    KernelTable table;
    std::function<Result<std::unique_ptr<CounterSource>>()> make_counters; // none: as a device without them

    // What happened.
    std::vector<Tag> repetitions;
    int cold = 0;
    std::vector<SourceFile> sources; // edited, now

    FakeDevice() { table = cpu_->kernels(); }

    const DeviceInfo &info() const override { return info_; }
    const KernelTable &kernels() const override { return table; }
    ms_stream stream() const override { return nullptr; }
    void set_ceilings(const Ceilings &ceilings) override { info_.ceilings = ceilings; }
    Status measure_ceilings() override { return {}; }
    Result<Buffer> allocate(std::int64_t bytes, std::string_view label) override { return cpu_->allocate(bytes, label); }
    void free(void *data, std::int64_t bytes) override { cpu_->free(data, bytes); }
    Status upload(void *to, const void *from, std::int64_t bytes) override { return cpu_->upload(to, from, bytes); }
    Status download(void *to, const void *from, std::int64_t bytes) override { return cpu_->download(to, from, bytes); }
    Status fill_byte(void *data, std::uint8_t value, std::int64_t bytes) override {
        return cpu_->fill_byte(data, value, bytes);
    }
    std::int64_t free_bytes() override { return 1LL << 40; }
    Status synchronize() override {
        return lost ? Status(Error{"a kernel launched earlier", "an illegal memory access", ""}) : Status{};
    }

    Status make_cold() override {
        ++cold;
        return {};
    }
    Status begin_repetition(Tag tag) override {
        repetitions.push_back(tag);
        return {};
    }
    // Two kernels of 40 % and 50 % of the repetition with a gap of 10 % between them, and 200 ns of
    // launching round them that only the events see.
    Status end_repetition() override {
        const float ns = event_ns(std::int64_t(repetitions.size()) - 1);
        times_.push_back(ns + 200);
        if (capturing_ && !capture_gives_nothing) {
            add_kernel(clock_ns_, clock_ns_ + std::int64_t(0.4 * ns));
            if (std::int64_t(repetitions.size()) - 1 != incomplete_launch)
                add_kernel(clock_ns_ + std::int64_t(0.5 * ns), clock_ns_ + std::int64_t(ns));
        }
        clock_ns_ += 1'000'000;
        return {};
    }
    Result<std::vector<float>> take_repetition_times_ns() override { return std::exchange(times_, {}); }
    Status edit_sources(const std::vector<SourceFile> &files) override {
        if (sources_refused)
            return Device::edit_sources(files);
        sources = files;
        return {};
    }
    std::uint64_t clock_event_reasons() override { return event_reasons(); }
    std::optional<DeviceStateRecord> state() override { return state_now(); }

    Status start_capture() override {
        if (capture_refused)
            return Error{"CUPTI activity capture", "another profiler is attached", ""};
        capturing_ = true;
        return {};
    }
    Status stop_capture() override {
        capturing_ = false;
        return {};
    }
    Result<CaptureBatch> take_capture() override {
        CaptureBatch batch = std::exchange(batch_, {});
        batch.memory = cpu_->take_capture()->memory;
        return batch;
    }
    Result<std::unique_ptr<CounterSource>> open_counters() override {
        return make_counters ? make_counters() : Device::open_counters();
    }
    Result<std::unique_ptr<PmSampler>> open_pm_sampler(const std::vector<std::string> &metrics,
                                                       std::int64_t interval_ns) override;
    Result<std::unique_ptr<PcSampler>> open_pc_sampler() override;
    std::int64_t live_bytes() const override { return cpu_->live_bytes(); }
    std::int64_t peak_bytes() override { return cpu_->peak_bytes(); }

    NameTable names;

  private:
    class FakePmSampler;
    class FakePcSampler;

    void add_kernel(std::int64_t start, std::int64_t end) {
        KernelRecord record;
        record.start_ns = start;
        record.end_ns = end;
        record.name = names.intern("fake_kernel");
        record.tag = repetitions.back();
        batch_.kernels.push_back(record);
    }

    std::unique_ptr<Device> cpu_ = make_cpu_device(describe_cpu(), names);
    DeviceInfo info_ = h200_limits();
    bool capturing_ = false;
    std::int64_t clock_ns_ = 1'700'000'000'000'000'000;
    std::vector<float> times_;
    CaptureBatch batch_;
};

class FakeDevice::FakePmSampler final : public PmSampler {
  public:
    FakePmSampler(FakeDevice &device, const std::vector<std::string> &metrics) : device_(device) {
        for (const std::string &metric : metrics)
            metrics_.push_back(device.names.intern(metric));
    }
    const std::vector<NameId> &metrics() const override { return metrics_; }
    Status start() override {
        started_ns_ = now_ns();
        return {};
    }
    Result<PmReading> stop() override { return device_.pm_samples(started_ns_, now_ns()); }

  private:
    FakeDevice &device_;
    std::vector<NameId> metrics_;
    std::int64_t started_ns_ = 0;
};

class FakeDevice::FakePcSampler final : public PcSampler {
  public:
    explicit FakePcSampler(FakeDevice &device) : device_(device) {}
    Status start() override { return {}; }
    Result<PcReading> stop() override { return device_.pc_samples(); }

  private:
    FakeDevice &device_;
};

inline Result<std::unique_ptr<PmSampler>> FakeDevice::open_pm_sampler(const std::vector<std::string> &metrics,
                                                                      std::int64_t interval_ns) {
    if (!pm_samples)
        return Device::open_pm_sampler(metrics, interval_ns);
    info_.capabilities = {{kPmSampling, "ok", ""}};
    if (!choice_refused.empty())
        return Error{"sampled metrics", choice_refused, "choose fewer"};
    return std::unique_ptr<PmSampler>(std::make_unique<FakePmSampler>(*this, metrics));
}

inline Result<std::unique_ptr<PcSampler>> FakeDevice::open_pc_sampler() {
    if (!pc_samples)
        return Device::open_pc_sampler();
    return std::unique_ptr<PcSampler>(std::make_unique<FakePcSampler>(*this));
}

// Keeps what a run told.
class CollectedEvents final : public RunEvents {
  public:
    std::vector<Measurement> measurements; // every update, in order
    std::vector<std::pair<std::uint32_t, Candidate>> candidates;
    std::vector<RoutingRecord> routings;
    std::vector<KernelRecord> kernels;
    std::vector<CounterRecord> counters;
    std::vector<DeviceStateRecord> device_states;
    std::vector<PmSampleRecord> pm_samples;
    std::vector<PcSampleRecord> pc_samples;
    std::vector<std::pair<std::string, Error>> failures;
    std::vector<std::string> logs;
    std::vector<double> fractions;
    std::function<void(const Measurement &)> on_measurement;

    void run_started(const DeviceInfo &) override {}
    void measurement(std::uint32_t, const Measurement &measurement) override {
        measurements.push_back(measurement);
        if (on_measurement)
            on_measurement(measurement);
    }
    void candidate(std::uint32_t number, const Candidate &candidate) override { candidates.emplace_back(number, candidate); }
    void routing(const RoutingRecord &record) override { routings.push_back(record); }
    void records(const CaptureBatch &batch) override {
        kernels.insert(kernels.end(), batch.kernels.begin(), batch.kernels.end());
        counters.insert(counters.end(), batch.counters.begin(), batch.counters.end());
        device_states.insert(device_states.end(), batch.device_states.begin(), batch.device_states.end());
        pm_samples.insert(pm_samples.end(), batch.pm_samples.begin(), batch.pm_samples.end());
        pc_samples.insert(pc_samples.end(), batch.pc_samples.begin(), batch.pc_samples.end());
    }
    void progress(const std::string &, double fraction) override { fractions.push_back(fraction); }
    void failure(const std::string &where, const Error &error) override { failures.emplace_back(where, error); }
    void log(const std::string &text) override { logs.push_back(text); }
};

} // namespace moescope::testing
