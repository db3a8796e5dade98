#include "profiler/worker/metric_answers.h"

#include "profiler/base/try.h"
#include "profiler/worker/cuda/metric_host.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace moescope {

namespace {

constexpr const char *kUsualChip = "GH100"; // where there is no GPU to take it from

// "cuda:1": 1; anything else: the first.
int device_index(std::string_view id) {
    constexpr std::string_view kPrefix = "cuda:";
    int index = 0;
    if (id.starts_with(kPrefix))
        std::from_chars(id.data() + kPrefix.size(), id.data() + id.size(), index);
    return index;
}

std::string chip_of(const MetricsRequest &request) {
    if (!request.chip.empty())
        return request.chip;
    const Result<std::string> chip = chip_of_device(device_index(request.device));
    return chip ? *chip : kUsualChip;
}

Status fill(const MetricsRequest &request, MetricsAnswer &answer) {
    Result<std::vector<std::string>> chips = known_chips();
    MOESCOPE_TRY(chips);
    answer.chips = std::move(*chips);
    Result<MetricHost> host = MetricHost::open(answer.chip);
    MOESCOPE_TRY(host);
    if (request.catalogue) {
        Result<std::vector<MetricInfo>> catalogue = host->catalogue();
        MOESCOPE_TRY(catalogue);
        answer.catalogue = std::move(*catalogue);
    }
    ResolvedMetrics resolved =
        resolve_metrics(request.metrics, [&](const std::string &metric) { return host->offers(metric); });
    answer.readable = std::move(resolved.readable);
    answer.missing = std::move(resolved.missing);
    if (answer.readable.empty())
        return {};
    const Result<MetricHost::Config> config = host->configure(answer.readable);
    MOESCOPE_TRY(config);
    answer.passes = config->passes;
    return {};
}

} // namespace

MetricsAnswer answer_metrics(const MetricsRequest &request) {
    MetricsAnswer answer;
    answer.chip = chip_of(request);
    if (const Status filled = fill(request, answer); !filled)
        answer.error = filled.error();
    return answer;
}

} // namespace moescope
