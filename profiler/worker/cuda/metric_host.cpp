#include "profiler/worker/cuda/metric_host.h"

#include "profiler/base/try.h"
#include "profiler/worker/cuda/cupti_api.h"

#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace moescope {

namespace {

CUpti_Profiler_Host_Object *object(void *host) { return static_cast<CUpti_Profiler_Host_Object *>(host); }

std::vector<const char *> pointers(const std::vector<std::string> &texts) {
    std::vector<const char *> all;
    for (const std::string &text : texts)
        all.push_back(text.c_str());
    return all;
}

std::string text(const char *from) { return from ? from : ""; }

CUpti_MetricType cupti_type(MetricKind kind) {
    return kind == MetricKind::Counter ? CUPTI_METRIC_TYPE_COUNTER
           : kind == MetricKind::Ratio ? CUPTI_METRIC_TYPE_RATIO
                                       : CUPTI_METRIC_TYPE_THROUGHPUT;
}

} // namespace

Result<std::vector<std::string>> known_chips() {
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_GetSupportedChips_Params);
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostGetSupportedChips(&params), "cuptiProfilerHostGetSupportedChips"));
    std::vector<std::string> chips(params.ppChipNames, params.ppChipNames + params.numChips);
    std::ranges::sort(chips);
    return chips;
}

Result<std::string> chip_of_device(int index) {
    MOESCOPE_CUPTI_PARAMS(initialize, CUpti_Profiler_Initialize_Params);
    MOESCOPE_TRY(cupti::check(cuptiProfilerInitialize(&initialize), "cuptiProfilerInitialize"));
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Device_GetChipName_Params);
    params.deviceIndex = std::size_t(index);
    MOESCOPE_TRY(cupti::check(cuptiDeviceGetChipName(&params), "cuptiDeviceGetChipName"));
    return text(params.pChipName);
}

MetricHost::MetricHost(std::string chip, Use use, std::vector<std::uint8_t> availability)
    : chip_(std::move(chip)), use_(use), availability_(std::move(availability)) {}

MetricHost::MetricHost(MetricHost &&other) noexcept
    : chip_(std::move(other.chip_)), use_(other.use_), availability_(std::move(other.availability_)),
      host_(std::exchange(other.host_, nullptr)) {}

MetricHost &MetricHost::operator=(MetricHost &&other) noexcept {
    std::swap(chip_, other.chip_);
    std::swap(use_, other.use_);
    std::swap(availability_, other.availability_);
    std::swap(host_, other.host_);
    return *this;
}

MetricHost::~MetricHost() {
    if (!host_)
        return;
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_Deinitialize_Params);
    params.pHostObject = object(host_);
    cuptiProfilerHostDeinitialize(&params);
}

Result<MetricHost> MetricHost::open(const std::string &chip, Use use, std::vector<std::uint8_t> availability) {
    const Result<std::vector<std::string>> chips = known_chips();
    MOESCOPE_TRY(chips);
    if (std::ranges::find(*chips, chip) == chips->end())
        return Error{fmt::format("chip is \"{}\"", chip), fmt::format("it must be one of {}", fmt::join(*chips, ", ")), ""};
    MetricHost host(chip, use, std::move(availability));
    MOESCOPE_TRY(host.initialize());
    return host;
}

Status MetricHost::initialize() {
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_Initialize_Params);
    params.profilerType = use_ == Use::Ranges ? CUPTI_PROFILER_TYPE_RANGE_PROFILER : CUPTI_PROFILER_TYPE_PM_SAMPLING;
    params.pChipName = chip_.c_str();
    params.pCounterAvailabilityImage = availability_.empty() ? nullptr : availability_.data();
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostInitialize(&params), "cuptiProfilerHostInitialize"));
    host_ = params.pHostObject;
    return {};
}

Result<std::vector<MetricInfo>> MetricHost::catalogue() const {
    std::vector<MetricInfo> all;
    for (const MetricKind kind : {MetricKind::Counter, MetricKind::Ratio, MetricKind::Throughput}) {
        MOESCOPE_CUPTI_PARAMS(list, CUpti_Profiler_Host_GetBaseMetrics_Params);
        list.pHostObject = object(host_);
        list.metricType = cupti_type(kind);
        MOESCOPE_TRY(cupti::check(cuptiProfilerHostGetBaseMetrics(&list), "cuptiProfilerHostGetBaseMetrics"));
        // CUPTI's list does not outlive the next question.
        for (std::string &name : std::vector<std::string>(list.ppMetricNames, list.ppMetricNames + list.numMetrics)) {
            MOESCOPE_CUPTI_PARAMS(one, CUpti_Profiler_Host_GetMetricProperties_Params);
            one.pHostObject = object(host_);
            one.pMetricName = name.c_str();
            if (cuptiProfilerHostGetMetricProperties(&one) == CUPTI_SUCCESS)
                all.push_back({std::move(name), kind, text(one.pDescription), text(one.pDimUnit), text(one.pHwUnit)});
        }
    }
    std::ranges::sort(all, {}, &MetricInfo::name);
    return all;
}

std::vector<std::string> MetricHost::suffixes(const MetricInfo &metric) const {
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_GetSubMetrics_Params);
    params.pHostObject = object(host_);
    params.metricType = cupti_type(metric.kind);
    params.pMetricName = metric.name.c_str();
    if (cuptiProfilerHostGetSubMetrics(&params) != CUPTI_SUCCESS)
        return {};
    return {params.ppSubMetrics, params.ppSubMetrics + params.numOfSubmetrics};
}

// A host object that has refused one metric refuses all later ones, so each question has its own; one
// costs a fraction of a millisecond.
bool MetricHost::offers(const std::string &metric) const {
    MetricHost fresh(chip_, use_, availability_);
    if (!fresh.initialize())
        return false;
    const char *name = metric.c_str();
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_ConfigAddMetrics_Params);
    params.pHostObject = object(fresh.host_);
    params.ppMetricNames = &name;
    params.numMetrics = 1;
    return cuptiProfilerHostConfigAddMetrics(&params) == CUPTI_SUCCESS;
}

Result<MetricHost::Config> MetricHost::configure(const std::vector<std::string> &metrics) {
    std::vector<const char *> names = pointers(metrics);
    MOESCOPE_CUPTI_PARAMS(add, CUpti_Profiler_Host_ConfigAddMetrics_Params);
    add.pHostObject = object(host_);
    add.ppMetricNames = names.data();
    add.numMetrics = names.size();
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostConfigAddMetrics(&add), "cuptiProfilerHostConfigAddMetrics"));

    MOESCOPE_CUPTI_PARAMS(size, CUpti_Profiler_Host_GetConfigImageSize_Params);
    size.pHostObject = object(host_);
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostGetConfigImageSize(&size), "cuptiProfilerHostGetConfigImageSize"));
    Config config;
    config.image.resize(size.configImageSize);
    MOESCOPE_CUPTI_PARAMS(get, CUpti_Profiler_Host_GetConfigImage_Params);
    get.pHostObject = object(host_);
    get.configImageSize = config.image.size();
    get.pConfigImage = config.image.data();
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostGetConfigImage(&get), "cuptiProfilerHostGetConfigImage"));

    MOESCOPE_CUPTI_PARAMS(passes, CUpti_Profiler_Host_GetNumOfPasses_Params);
    passes.configImageSize = config.image.size();
    passes.pConfigImage = config.image.data();
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostGetNumOfPasses(&passes), "cuptiProfilerHostGetNumOfPasses"));
    config.passes = std::int32_t(passes.numOfPasses);
    return config;
}

Result<std::vector<double>> MetricHost::evaluate(std::span<const std::uint8_t> counter_data, std::size_t index,
                                                 const std::vector<std::string> &metrics) const {
    std::vector<const char *> names = pointers(metrics);
    std::vector<double> values(metrics.size());
    MOESCOPE_CUPTI_PARAMS(params, CUpti_Profiler_Host_EvaluateToGpuValues_Params);
    params.pHostObject = object(host_);
    params.pCounterDataImage = counter_data.data();
    params.counterDataImageSize = counter_data.size();
    params.rangeIndex = index;
    params.ppMetricNames = names.data();
    params.numMetrics = names.size();
    params.pMetricValues = values.data();
    MOESCOPE_TRY(cupti::check(cuptiProfilerHostEvaluateToGpuValues(&params), "cuptiProfilerHostEvaluateToGpuValues"));
    return values;
}

} // namespace moescope
