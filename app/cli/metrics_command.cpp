#include "app/cli/metrics_command.h"

#include "app/cli/json_output.h"
#include "app/cli/numbers.h"
#include "app/cli/say.h"
#include "app/cli/text_table.h"
#include "app/cli/worker_run.h"
#include "profiler/base/assets.h"
#include "profiler/metrics/metric_search.h"
#include "profiler/metrics/metric_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace moescope::cli {

namespace {

std::string passes_text(std::int32_t passes) { return fmt::format("{} pass{}", passes, passes == 1 ? "" : "es"); }

// What each set costs on this chip.
std::string sets_text(const MetricSets &sets, const std::vector<MetricsAnswer> &answers) {
    std::string text;
    for (std::size_t i = 0; i < sets.sets.size(); ++i) {
        const MetricSet &set = sets.sets[i];
        text += fmt::format("{:<10}{} {}", set.name, set.explain, passes_text(answers[i].passes));
        if (!answers[i].missing.empty())
            text += fmt::format("; this chip lacks {}", answers[i].missing.size());
        text += "\n";
    }
    return text;
}

std::string catalogue_table(const std::vector<const MetricInfo *> &metrics) {
    std::vector<std::vector<std::string>> rows;
    for (const MetricInfo *metric : metrics)
        rows.push_back({readable_name(*metric), metric->unit, metric->description});
    return text_table({{"metric"}, {"unit"}, {"what it counts"}}, rows);
}

std::string not_offered(const MetricsAnswer &answer) {
    return fmt::format("{} does not offer {}", answer.chip, fmt::join(answer.missing, ", "));
}

Error with_option(Error error) {
    if (error.what.starts_with("chip is"))
        error.what = "--" + error.what;
    return error;
}

int refuse(const Error &error) {
    const Error named = with_option(error);
    return complain(named, named.what.starts_with("--") ? kWrongRequest : kFailed);
}

} // namespace

void add_metrics_options(CLI::App &command, MetricsOptions &options) {
    command.add_option("--chip", options.chip, "Of this chip, as CUPTI names it: GH100, AD102, ... (the device's)")
        ->type_name("CHIP");
    command.add_option("--device", options.device, "Of this device's chip (the first)")->type_name("ID");
    command.add_option("--search", options.search, "Only metrics that have all these words in name or description")
        ->type_name("TEXT");
    command.add_option("--passes", options.passes, "Only say how often a range runs to read these: sets, or metrics by name")
        ->type_name("SET|NAME,NAME");
    command.add_option("--remote", options.remote, "Ask the worker of this machine, through ssh")->type_name("USER@HOST");
    command.add_flag("--json", options.json, "Print one JSON document");
}

int metrics_command(const MetricsOptions &options) {
    const Result<MetricSets> sets = load_metric_sets(find_asset("metrics.json"));
    if (!sets)
        return complain(sets.error(), kFailed);
    std::vector<MetricsRequest> requests;
    const auto ask_for = [&](std::vector<std::string> metrics, bool catalogue) {
        requests.push_back({options.chip.value_or(""), options.device.value_or(""), std::move(metrics), catalogue});
    };
    if (options.passes) {
        const auto words = parse_list("--passes", *options.passes);
        if (!words)
            return refuse(words.error());
        auto metrics = metrics_named(*sets, *words);
        if (!metrics)
            return refuse({"--passes: " + metrics.error().what, metrics.error().why, metrics.error().remedy});
        ask_for(std::move(*metrics), false);
    } else {
        for (const MetricSet &set : sets->sets)
            ask_for(sets->wanted(set), requests.empty());
    }
    const Result<std::vector<MetricsAnswer>> answers = ask_for_metrics(options.remote.value_or(""), requests);
    if (!answers)
        return refuse(answers.error());
    const MetricsAnswer &first = answers->front();
    if (options.passes && first.readable.empty())
        return refuse({"--passes is \"" + *options.passes + "\"", not_offered(first), "moescope metrics lists what there is"});
    const auto found = search_metrics(first.catalogue, options.search.value_or(""));
    if (options.json) {
        show(metrics_json(*sets, *answers, found, options.passes.has_value()));
        return kDone;
    }
    if (options.passes) {
        show(fmt::format("{}: {}\n", first.chip, passes_text(first.passes)));
        if (!first.missing.empty())
            say("moescope: " + not_offered(first));
        return kDone;
    }
    show(fmt::format("{}: {} metrics{}\n{}\n", first.chip, first.catalogue.size(),
                     options.search ? fmt::format(", {} match", found.size()) : "", sets_text(*sets, *answers)));
    show(catalogue_table(found));
    return kDone;
}

} // namespace moescope::cli
