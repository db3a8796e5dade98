// Fused against split in numbers: which is faster and how sure that is, and what the published rule
// would have cost here.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// The measurement to show of each variant of an operator in a run: the last one that is done, or
// the last one there is. In the order of first measurement.
std::vector<MeasurementId> dispatch_rows(const Session &session, RunId run, OperatorId op);

// Of the rows, the one of this variant.
MeasurementId row_of(const Session &session, const std::vector<MeasurementId> &rows,
                     std::string_view variant);

struct Verdict {
    MeasurementId faster, slower;
    double ratio = 1;         // slower median / faster median
    double low = 1, high = 1; // from the ends of both medians' 95 % intervals
    double saved_ns = 0;
    bool sure = false; // the interval leaves out 1
};
// Nothing unless both are done and have a time.
std::optional<Verdict> compare(const Session &session, MeasurementId a, MeasurementId b);

// The timed rows that compute a product with LoRA, fastest first.
std::vector<MeasurementId> ranked(const Session &session, const std::vector<MeasurementId> &rows);

struct RuleOutcome {
    std::int64_t experts = 0, k = 0, n = 0;
    std::string_view chosen; // "fused" or "split"
    bool right = true;       // it chose the faster one, or neither is surely faster
    double cost_ns = 0;      // time lost by following it
    double cost_share = 0;   // of the faster one's time
    bool families_differ = false; // the two ran in tiles of two families: the cost is not the rule's alone
};
RuleOutcome published_rule(const Session &session, const ModelShape &model, OperatorId op,
                           const Verdict &verdict);

// "Fused is faster: 1.18× (1.17× to 1.19×), 91.0 µs less." or that neither is.
std::string sentence(const Session &session, const Verdict &verdict);
std::string sentence(const RuleOutcome &rule);
// "Extra K is the fastest: 1.21× (1.20× to 1.22×) and 56.2 µs before split, 1.77× before fused." Of two, as
// their verdict.
std::string fastest_sentence(const Session &session, const std::vector<MeasurementId> &ranked);
// Where two rows ran in tiles of two families: that they did, and which is faster within one, as far as the
// tuner has timed both there. "" where they did not.
std::string family_sentence(const Session &session, MeasurementId a, MeasurementId b);

} // namespace moescope
