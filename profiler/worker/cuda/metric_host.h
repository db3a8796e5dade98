// CUPTI's Host API for one chip: which metrics there are, how many passes a choice costs, and what
// collected data means. Needs no GPU and no driver.
#pragma once

#include "profiler/base/result.h"
#include "profiler/metrics/metric.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moescope {

// Every chip the toolkit knows, "GH100" among them.
Result<std::vector<std::string>> known_chips();
// Of a GPU of this machine.
Result<std::string> chip_of_device(int index);

class MetricHost {
  public:
    enum class Use { Ranges, Sampling };
    // availability: what this GPU and user may count, from cuptiProfilerGetCounterAvailability; empty for
    // all the chip has. Errors: an unknown chip (which ones there are), no libnvperf_host.
    static Result<MetricHost> open(const std::string &chip, Use use = Use::Ranges,
                                   std::vector<std::uint8_t> availability = {});
    ~MetricHost();
    MetricHost(MetricHost &&other) noexcept;
    MetricHost &operator=(MetricHost &&other) noexcept;

    Result<std::vector<MetricInfo>> catalogue() const; // sorted by name
    std::vector<std::string> suffixes(const MetricInfo &metric) const;
    bool offers(const std::string &metric) const; // with its suffix

    // Once for each object. The image must outlive every use CUPTI makes of it.
    struct Config {
        std::vector<std::uint8_t> image;
        std::int32_t passes = 0;
    };
    Result<Config> configure(const std::vector<std::string> &metrics);
    // Of the range at `index` of decoded counter data, one value a metric.
    Result<std::vector<double>> evaluate(std::span<const std::uint8_t> counter_data, std::size_t index,
                                         const std::vector<std::string> &metrics) const;

  private:
    MetricHost(std::string chip, Use use, std::vector<std::uint8_t> availability);
    Status initialize();

    std::string chip_;
    Use use_;
    std::vector<std::uint8_t> availability_;
    void *host_ = nullptr;
};

} // namespace moescope
