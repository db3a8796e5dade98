// What differs between two runs besides what was measured.
#pragma once

#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope {

struct Difference {
    std::string what, a, b; // "tokens", "2,048", "4,096"
    friend bool operator==(const Difference &, const Difference &) = default;
};

// In the order of importance: the model by its name, or where both have one name by the sizes that
// differ, then tokens, LoRA rank, skew, quantisation, seed.
std::vector<Difference> differences(const Workload &a, const Workload &b);
// The device's name and, where that is one, its driver.
std::vector<Difference> differences(const DeviceInfo &a, const DeviceInfo &b);

// "tokens 2,048 → 4,096, rank 16 → 64"; "" for none.
std::string sentence_of(const std::vector<Difference> &differences);

// The same shape, whatever it is called and wherever its numbers come from.
bool same_shape(const ModelShape &a, const ModelShape &b);

} // namespace moescope
