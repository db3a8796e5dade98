// What the sweep view says of sweeps that are there and that could be run.
#include "app/views/sweep.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

std::string name_of(const FoundSweep &sweep) {
    return fmt::format("{}: {}", sweep.parameter->title, sweep.held);
}

bool suits_log(const FoundSweep &sweep) {
    return sweep.numeric && sweep.points.front().x > 0 &&
           sweep.points.back().x >= 8 * sweep.points.front().x;
}

SweepOffer offer_of(const Result<std::vector<SweepPlan>> &plans) {
    if (!plans.ok())
        return {false, plans.error().sentence()};
    std::size_t good = 0, items = 0;
    const SweepPlan *bad = nullptr;
    for (const SweepPlan &each : plans.value()) {
        good += each.plan.ok();
        if (each.plan.ok())
            items += each.plan.value().items.size();
        else if (!bad)
            bad = &each;
    }
    if (good == 0)
        return {false, bad ? bad->plan.error().sentence() : "There is no point to run."};
    std::string text = fmt::format("{} point{}, {} measurements", good, good == 1 ? "" : "s", items);
    if (bad)
        text += fmt::format("; {} left out: {}", plans.value().size() - good, bad->plan.error().sentence());
    return {true, std::move(text)};
}

} // namespace moescope
