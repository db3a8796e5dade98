// What reads a device's hardware counters, pass by pass. CUPTI's Range Profiler on a GPU, a script in
// tests.
#pragma once

#include "profiler/base/ids.h"
#include "profiler/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

class CounterSource {
  public:
    enum class Ranges { Whole, EachKernel }; // what is counted on its own
    struct Range {
        std::string name;           // the source's own: "0", "1" for kernels
        std::vector<double> values; // by metric
    };

    virtual ~CounterSource() = default; // other collectors may work again afterwards

    virtual bool offers(const std::string &metric) = 0; // "dram__bytes_read.sum"
    // For passes over at most `most_ranges` ranges. How many passes there will be.
    virtual Result<std::int32_t> begin(const std::vector<std::string> &metrics, Ranges ranges, std::size_t most_ranges) = 0;
    // The launches in between are counted.
    virtual Status begin_pass() = 0;
    virtual Result<bool> end_pass() = 0; // true after the last one needed
    // Ends what begin() began: the ranges, in the order of their launches.
    virtual Result<std::vector<Range>> finish() = 0;
    virtual NameId intern(std::string_view name) = 0; // for records
};

} // namespace moescope
