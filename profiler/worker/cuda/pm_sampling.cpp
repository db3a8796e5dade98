#include "profiler/worker/cuda/pm_sampling.h"

#include "profiler/base/try.h"
#include "profiler/metrics/metric.h"
#include "profiler/worker/cuda/cupti_api.h"
#include "profiler/worker/cuda/metric_host.h"

#include <cupti_pmsampling.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <optional>
#include <utility>

namespace moescope {

namespace {

constexpr std::size_t kHardwareBufferBytes = 64 << 20;

Result<std::vector<std::uint8_t>> sampling_availability(int device_index) {
    MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_GetCounterAvailability_Params);
    params.deviceIndex = std::size_t(device_index);
    MOESCOPE_TRY(cupti::check(cuptiPmSamplingGetCounterAvailability(&params), "cuptiPmSamplingGetCounterAvailability"));
    std::vector<std::uint8_t> image(params.counterAvailabilityImageSize);
    params.pCounterAvailabilityImage = image.data();
    MOESCOPE_TRY(cupti::check(cuptiPmSamplingGetCounterAvailability(&params), "cuptiPmSamplingGetCounterAvailability"));
    return image;
}

class PmSampling final : public PmSampler {
  public:
    ~PmSampling() override { disable(); }

    Status open(int device_index) {
        const Result<std::string> chip = chip_of_device(device_index); // initialises the profiler too
        MOESCOPE_TRY(chip);
        chip_ = *chip;
        Result<std::vector<std::uint8_t>> availability = sampling_availability(device_index);
        MOESCOPE_TRY(availability);
        Result<MetricHost> host = MetricHost::open(chip_, MetricHost::Use::Sampling, std::move(*availability));
        MOESCOPE_TRY(host);
        host_ = std::move(*host);
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_Enable_Params);
        params.deviceIndex = std::size_t(device_index);
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingEnable(&params), "cuptiPmSamplingEnable"));
        sampling_ = params.pPmSamplingObject;
        return {};
    }

    Status configure(const std::vector<std::string> &metrics, std::int64_t interval_ns, NameTable &names) {
        interval_ns_ = interval_ns;
        const ResolvedMetrics resolved =
            resolve_metrics(metrics, [&](const std::string &metric) { return host_->offers(metric); });
        if (!resolved.missing.empty())
            return Error{"sampled metrics", fmt::format("{} cannot sample {}", chip_, fmt::join(resolved.missing, ", ")),
                         "leave them out"};
        metrics_ = resolved.readable;
        for (const std::string &metric : metrics_) {
            metric_names_.push_back(names.intern(metric));
            metric_pointers_.push_back(metric.c_str());
        }
        Result<MetricHost::Config> config = host_->configure(metrics_);
        MOESCOPE_TRY(config);
        config_ = std::move(*config);
        if (config_.passes > 1)
            return Error{"sampled metrics",
                         fmt::format("together they need {} passes, and sampling over time has one", config_.passes),
                         "choose fewer"};
        MOESCOPE_TRY(set_config());
        return make_counter_data();
    }

    const std::vector<NameId> &metrics() const override { return metric_names_; }

    Status start() override {
        MOESCOPE_TRY(clear_counter_data());
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_Start_Params);
        params.pPmSamplingObject = sampling_;
        return cupti::check(cuptiPmSamplingStart(&params), "cuptiPmSamplingStart");
    }

    Result<PmReading> stop() override {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_Stop_Params);
        params.pPmSamplingObject = sampling_;
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingStop(&params), "cuptiPmSamplingStop"));
        return decode();
    }

  private:
    void disable() {
        if (!sampling_)
            return;
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_Disable_Params);
        params.pPmSamplingObject = std::exchange(sampling_, nullptr);
        cuptiPmSamplingDisable(&params);
    }

    Status set_config() {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_SetConfig_Params);
        params.pPmSamplingObject = sampling_;
        params.configSize = config_.image.size();
        params.pConfig = config_.image.data();
        params.hardwareBufferSize = kHardwareBufferBytes;
        params.samplingInterval = std::uint64_t(interval_ns_);
        params.triggerMode = CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
        params.hwBufferAppendMode = CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_OLDEST;
        return cupti::check(cuptiPmSamplingSetConfig(&params), "cuptiPmSamplingSetConfig");
    }

    Status make_counter_data() {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_GetCounterDataSize_Params);
        params.pPmSamplingObject = sampling_;
        params.pMetricNames = metric_pointers_.data();
        params.numMetrics = metric_pointers_.size();
        params.maxSamples = std::uint32_t(kMostPmSamples);
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingGetCounterDataSize(&params), "cuptiPmSamplingGetCounterDataSize"));
        counter_data_.resize(params.counterDataSize);
        return {};
    }

    Status clear_counter_data() {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_CounterDataImage_Initialize_Params);
        params.pPmSamplingObject = sampling_;
        params.counterDataSize = counter_data_.size();
        params.pCounterData = counter_data_.data();
        return cupti::check(cuptiPmSamplingCounterDataImageInitialize(&params), "cuptiPmSamplingCounterDataImageInitialize");
    }

    // Everything at once: what does not fit the image is lost, and not there at the next decoding.
    Result<PmReading> decode() {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_PmSampling_DecodeData_Params);
        params.pPmSamplingObject = sampling_;
        params.pCounterDataImage = counter_data_.data();
        params.counterDataImageSize = counter_data_.size();
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingDecodeData(&params), "cuptiPmSamplingDecodeData"));
        MOESCOPE_CUPTI_PARAMS(info, CUpti_PmSampling_GetCounterDataInfo_Params);
        info.pCounterDataImage = counter_data_.data();
        info.counterDataImageSize = counter_data_.size();
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingGetCounterDataInfo(&info), "cuptiPmSamplingGetCounterDataInfo"));
        PmReading reading;
        reading.overflowed = params.overflow != 0 ||
                             params.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL;
        for (std::size_t index = 0; index < info.numCompletedSamples; ++index) {
            Result<PmSample> sample = sample_at(index);
            MOESCOPE_TRY(sample);
            // The first one reaches back to before sampling began.
            if (sample->end_ns - sample->start_ns < 2 * interval_ns_)
                reading.samples.push_back(std::move(*sample));
        }
        return reading;
    }

    Result<PmSample> sample_at(std::size_t index) const {
        MOESCOPE_CUPTI_PARAMS(info, CUpti_PmSampling_CounterData_GetSampleInfo_Params);
        info.pPmSamplingObject = sampling_;
        info.pCounterDataImage = counter_data_.data();
        info.counterDataImageSize = counter_data_.size();
        info.sampleIndex = index;
        MOESCOPE_TRY(cupti::check(cuptiPmSamplingCounterDataGetSampleInfo(&info), "cuptiPmSamplingCounterDataGetSampleInfo"));
        Result<std::vector<double>> values = host_->evaluate(counter_data_, index, metrics_);
        MOESCOPE_TRY(values);
        return PmSample{std::int64_t(info.startTimestamp), std::int64_t(info.endTimestamp), std::move(*values)};
    }

    std::string chip_;
    std::int64_t interval_ns_ = 0;
    std::optional<MetricHost> host_;
    std::vector<std::string> metrics_;
    std::vector<NameId> metric_names_;
    std::vector<const char *> metric_pointers_;
    // CUPTI keeps a pointer to the image until sampling is disabled.
    MetricHost::Config config_;
    std::vector<std::uint8_t> counter_data_;
    CUpti_PmSampling_Object *sampling_ = nullptr;
};

} // namespace

Result<std::unique_ptr<PmSampler>> open_pm_sampling(int device_index, const std::vector<std::string> &metrics,
                                                    std::int64_t interval_ns, NameTable &names, Status &access) {
    auto sampling = std::make_unique<PmSampling>();
    access = sampling->open(device_index);
    MOESCOPE_TRY(access);
    MOESCOPE_TRY(sampling->configure(metrics, interval_ns, names));
    return std::unique_ptr<PmSampler>(std::move(sampling));
}

} // namespace moescope
