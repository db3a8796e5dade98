#include "app/views/workload_choice.h"

#include "profiler/base/units.h"

#include <fmt/format.h>

namespace moescope {

namespace {

// The changes in words, in the order of the pane.
class Changes {
  public:
    template <typename T> void number(const char *name, const T &before, const T &after) {
        if (before != after)
            add(fmt::format("{} {} → {}", name, before, after));
    }
    void count(const char *name, std::int64_t before, std::int64_t after) {
        if (before != after)
            add(fmt::format("{} {} → {}", name, format_count(double(before)), format_count(double(after))));
    }
    void any(const char *name, bool changed) {
        if (changed)
            add(name);
    }
    void add(std::string words) {
        if (++count_ == 1)
            first_ = std::move(words);
    }
    std::string text() const {
        return count_ < 2 ? first_ : fmt::format("{} and {} more", first_, count_ - 1);
    }

  private:
    std::string first_;
    int count_ = 0;
};

void add_workload_changes(Changes &changes, const Workload &before, const Workload &after) {
    if (before.model.name != after.model.name)
        changes.number("model", before.model.name, after.model.name);
    else
        changes.any("the model's shape", !(before.model == after.model));
    changes.count("tokens", before.tokens, after.tokens);
    changes.number("rank", before.lora_rank, after.lora_rank);
    changes.number("LoRA scaling", before.lora_scaling, after.lora_scaling);
    changes.number("skew", before.skew.text(), after.skew.text());
    changes.number("seed", before.seed, after.seed);
    changes.any("the weights' format", before.quant_format != after.quant_format);
    changes.number("block size", before.quant_block, after.quant_block);
    changes.number("nested block", before.nested_block, after.nested_block);
}

} // namespace

WorkloadChoice choice_of(const WorkloadState &state) {
    return {.workload = state.workload,
            .device = state.device,
            .wanted = state.wanted,
            .cache = state.cache,
            .counters = state.counters.chosen,
            .sample_counters = state.sample_counters,
            .sample_instructions = state.sample_instructions};
}

void apply(const WorkloadChoice &choice, WorkloadState &state) {
    state.workload = choice.workload;
    state.device = choice.device;
    state.wanted = choice.wanted;
    state.cache = choice.cache;
    state.counters.chosen = choice.counters;
    state.sample_counters = choice.sample_counters;
    state.sample_instructions = choice.sample_instructions;
}

std::string change_between(const WorkloadChoice &before, const WorkloadChoice &after) {
    Changes changes;
    changes.number("device", before.device, after.device);
    add_workload_changes(changes, before.workload, after.workload);
    changes.any("the cache", before.cache != after.cache);
    changes.any("the counters", before.counters != after.counters);
    changes.any("the sampling", before.sample_counters != after.sample_counters ||
                                    before.sample_instructions != after.sample_instructions);
    int ticks = 0;
    for (std::size_t op = 0; op < before.wanted.size(); ++op)
        ticks += before.wanted[op] != after.wanted[op];
    if (ticks > 0)
        changes.add(fmt::format("{} operator{}", ticks, ticks == 1 ? "" : "s"));
    return changes.text();
}

} // namespace moescope
