// Choosing hardware counters: the sets, or any of the thousands a chip offers, and what the choice costs.
// The worker answers from CUPTI's tables, so that it works without a GPU too.
#pragma once

#include "app/views/view_context.h"
#include "profiler/metrics/metric_sets.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct MetricPickerState {
    MetricSets sets;
    std::optional<Error> sets_error; // why there are none
    std::vector<std::string> chosen; // as a plan has them
    std::string chip;                // whose counters are listed; "": the device's
    std::string search;
    bool opening = false;            // the list opens in this frame

    // What was asked of the worker and what it said. Keys tell whether a question is still the right one.
    struct Question {
        std::uint64_t number = 0; // 0: none under way
        std::string key;
        std::shared_ptr<const MetricsAnswer> answer;
    };
    Question catalogue, cost;
};

struct MetricPickerActions {
    std::function<std::uint64_t(MetricsRequest)> ask; // 0: there is nobody to ask
    std::function<std::shared_ptr<const MetricsAnswer>(std::uint64_t)> take_answer;
};

// "none", "Basic", "7 metrics".
std::string counters_summary(const MetricSets &sets, const std::vector<std::string> &chosen);
// What the choice costs in words: "2 passes on GH100"; "" while that is not known.
std::string counters_cost(const MetricPickerState &state);
// Whether a catalogue's metric is among the chosen, under its usual suffix or as an alternative.
bool is_chosen(const std::vector<std::string> &chosen, const MetricInfo &metric);
void choose(std::vector<std::string> &chosen, const MetricInfo &metric, bool wanted);

// Takes what was answered and asks what is not known: the cost of the choice, and where `listing` the
// chip's catalogue.
void update_questions(MetricPickerState &state, const std::string &device, bool listing,
                      const MetricPickerActions &actions);
// Another worker: what was asked of the last one is forgotten.
void forget_questions(MetricPickerState &state);

// The combo of the workload pane, whose label stands already, and the list behind it. `refusal`: why the
// device gives no counters; "" where it does.
void draw_metric_picker(const ViewContext &context, MetricPickerState &state, const std::string &device,
                        const std::string &refusal, const MetricPickerActions &actions);

} // namespace moescope
