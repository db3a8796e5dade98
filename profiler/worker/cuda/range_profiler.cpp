#include "profiler/worker/cuda/range_profiler.h"

#include "profiler/base/try.h"
#include "profiler/worker/cuda/cuda_info.h"
#include "profiler/worker/cuda/cupti_api.h"
#include "profiler/worker/cuda/metric_host.h"

#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

namespace {

constexpr const char *kWholeRange = "repetition";

Result<std::vector<std::uint8_t>> counter_availability() {
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_GetCounterAvailability_Params);
    MOESCOPE_TRY(cupti::check(cuptiProfilerGetCounterAvailability(&params), "cuptiProfilerGetCounterAvailability"));
    std::vector<std::uint8_t> image(params.counterAvailabilityImageSize);
    params.pCounterAvailabilityImage = image.data();
    MOESCOPE_TRY(cupti::check(cuptiProfilerGetCounterAvailability(&params), "cuptiProfilerGetCounterAvailability"));
    return image;
}

class RangeProfiler final : public CounterSource {
  public:
    RangeProfiler(NameTable &names, std::function<void()> at_end) : names_(names), at_end_(std::move(at_end)) {}
    ~RangeProfiler() override {
        disable();
        at_end_();
    }

    Status open(int device_index) {
        const Result<std::string> chip = chip_of_device(device_index); // initialises the profiler too
        MOESCOPE_TRY(chip);
        chip_ = *chip;
        Result<std::vector<std::uint8_t>> availability = counter_availability();
        MOESCOPE_TRY(availability);
        availability_ = std::move(*availability);
        MOESCOPE_TRY(open_host());
        MOESCOPE_TRY(enable()); // a refusal shows here
        disable();
        return {};
    }

    bool offers(const std::string &metric) override { return host_->offers(metric); }
    NameId intern(std::string_view name) override { return names_.intern(name); }

    Result<std::int32_t> begin(const std::vector<std::string> &metrics, Ranges ranges, std::size_t most_ranges) override {
        metrics_ = metrics;
        ranges_ = ranges;
        MOESCOPE_TRY(open_host()); // a host object is configured once
        Result<MetricHost::Config> config = host_->configure(metrics);
        MOESCOPE_TRY(config);
        config_ = std::move(*config);
        MOESCOPE_TRY(enable());
        MOESCOPE_TRY(make_counter_data(most_ranges));
        MOESCOPE_TRY(set_config(most_ranges));
        return config_.passes;
    }

    Status begin_pass() override {
        MOESCOPE_CUPTI_PARAMS(start, CUpti_RangeProfiler_Start_Params);
        start.pRangeProfilerObject = profiler_;
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerStart(&start), "cuptiRangeProfilerStart"));
        if (ranges_ == Ranges::EachKernel)
            return {};
        MOESCOPE_CUPTI_PARAMS(push, CUpti_RangeProfiler_PushRange_Params);
        push.pRangeProfilerObject = profiler_;
        push.pRangeName = kWholeRange;
        return cupti::check(cuptiRangeProfilerPushRange(&push), "cuptiRangeProfilerPushRange");
    }

    Result<bool> end_pass() override {
        if (ranges_ == Ranges::Whole) {
            MOESCOPE_CUPTI_PARAMS(pop, CUpti_RangeProfiler_PopRange_Params);
            pop.pRangeProfilerObject = profiler_;
            MOESCOPE_TRY(cupti::check(cuptiRangeProfilerPopRange(&pop), "cuptiRangeProfilerPopRange"));
        }
        MOESCOPE_CUPTI_PARAMS(stop, CUpti_RangeProfiler_Stop_Params);
        stop.pRangeProfilerObject = profiler_;
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerStop(&stop), "cuptiRangeProfilerStop"));
        return stop.isAllPassSubmitted != 0;
    }

    Result<std::vector<Range>> finish() override {
        Result<std::vector<Range>> decoded = decode();
        disable();
        return decoded;
    }

  private:
    Status open_host() {
        Result<MetricHost> host = MetricHost::open(chip_, MetricHost::Use::Ranges, availability_);
        MOESCOPE_TRY(host);
        host_ = std::move(*host);
        return {};
    }

    Status enable() {
        const Result<CUcontext> context = current_context();
        MOESCOPE_TRY(context);
        MOESCOPE_CUPTI_PARAMS(params, CUpti_RangeProfiler_Enable_Params);
        params.ctx = *context;
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerEnable(&params), "cuptiRangeProfilerEnable"));
        profiler_ = params.pRangeProfilerObject;
        return {};
    }

    void disable() {
        if (!profiler_)
            return;
        MOESCOPE_CUPTI_PARAMS(params, CUpti_RangeProfiler_Disable_Params);
        params.pRangeProfilerObject = std::exchange(profiler_, nullptr);
        cuptiRangeProfilerDisable(&params);
    }

    Status make_counter_data(std::size_t most_ranges) {
        std::vector<const char *> names;
        for (const std::string &metric : metrics_)
            names.push_back(metric.c_str());
        MOESCOPE_CUPTI_PARAMS(size, CUpti_RangeProfiler_GetCounterDataSize_Params);
        size.pRangeProfilerObject = profiler_;
        size.pMetricNames = names.data();
        size.numMetrics = names.size();
        size.maxNumOfRanges = most_ranges;
        size.maxNumRangeTreeNodes = std::uint32_t(most_ranges);
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerGetCounterDataSize(&size), "cuptiRangeProfilerGetCounterDataSize"));
        counter_data_.assign(size.counterDataSize, 0);
        MOESCOPE_CUPTI_PARAMS(initialize, CUpti_RangeProfiler_CounterDataImage_Initialize_Params);
        initialize.pRangeProfilerObject = profiler_;
        initialize.counterDataSize = counter_data_.size();
        initialize.pCounterData = counter_data_.data();
        return cupti::check(cuptiRangeProfilerCounterDataImageInitialize(&initialize),
                            "cuptiRangeProfilerCounterDataImageInitialize");
    }

    Status set_config(std::size_t most_ranges) {
        MOESCOPE_CUPTI_PARAMS(params, CUpti_RangeProfiler_SetConfig_Params);
        params.pRangeProfilerObject = profiler_;
        params.configSize = config_.image.size();
        params.pConfig = config_.image.data();
        params.counterDataImageSize = counter_data_.size();
        params.pCounterDataImage = counter_data_.data();
        params.range = ranges_ == Ranges::Whole ? CUPTI_UserRange : CUPTI_AutoRange;
        params.replayMode = CUPTI_UserReplay;
        params.maxRangesPerPass = most_ranges;
        params.numNestingLevels = 1;
        params.minNestingLevel = 1;
        params.targetNestingLevel = 1;
        return cupti::check(cuptiRangeProfilerSetConfig(&params), "cuptiRangeProfilerSetConfig");
    }

    Result<std::vector<Range>> decode() {
        if (!profiler_)
            return std::vector<Range>{};
        MOESCOPE_CUPTI_PARAMS(params, CUpti_RangeProfiler_DecodeData_Params);
        params.pRangeProfilerObject = profiler_;
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerDecodeData(&params), "cuptiRangeProfilerDecodeData"));
        if (params.numOfRangeDropped > 0)
            return Error{"counters", fmt::format("CUPTI dropped {} ranges", params.numOfRangeDropped), "choose fewer metrics"};
        MOESCOPE_CUPTI_PARAMS(info, CUpti_RangeProfiler_GetCounterDataInfo_Params);
        info.pCounterDataImage = counter_data_.data();
        info.counterDataImageSize = counter_data_.size();
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerGetCounterDataInfo(&info), "cuptiRangeProfilerGetCounterDataInfo"));
        std::vector<Range> ranges;
        for (std::size_t index = 0; index < info.numTotalRanges; ++index) {
            Result<Range> range = range_at(index);
            MOESCOPE_TRY(range);
            ranges.push_back(std::move(*range));
        }
        return ranges;
    }

    Result<Range> range_at(std::size_t index) const {
        MOESCOPE_CUPTI_PARAMS(info, CUpti_RangeProfiler_CounterData_GetRangeInfo_Params);
        info.pCounterDataImage = counter_data_.data();
        info.counterDataImageSize = counter_data_.size();
        info.rangeIndex = index;
        info.rangeDelimiter = "/";
        MOESCOPE_TRY(cupti::check(cuptiRangeProfilerCounterDataGetRangeInfo(&info), "cuptiRangeProfilerCounterDataGetRangeInfo"));
        Result<std::vector<double>> values = host_->evaluate(counter_data_, index, metrics_);
        MOESCOPE_TRY(values);
        return Range{info.rangeName ? info.rangeName : "", std::move(*values)};
    }

    NameTable &names_;
    std::function<void()> at_end_;
    std::string chip_;
    std::vector<std::uint8_t> availability_;
    std::optional<MetricHost> host_;
    std::vector<std::string> metrics_;
    Ranges ranges_ = Ranges::Whole;
    // CUPTI keeps pointers into both until the profiler is disabled.
    MetricHost::Config config_;
    std::vector<std::uint8_t> counter_data_;
    CUpti_RangeProfiler_Object *profiler_ = nullptr;
};

} // namespace

Result<std::unique_ptr<CounterSource>> open_range_profiler(int device_index, NameTable &names,
                                                           std::function<void()> at_end) {
    auto profiler = std::make_unique<RangeProfiler>(names, std::move(at_end));
    MOESCOPE_TRY(profiler->open(device_index));
    return std::unique_ptr<CounterSource>(std::move(profiler));
}

} // namespace moescope
