#include "app/cli/plan_options.h"

#include "app/cli/numbers.h"
#include "profiler/base/assets.h"
#include "profiler/metrics/metric_sets.h"
#include "profiler/model/catalogue.h"
#include "profiler/model/hf_config.h"
#include "profiler/model/names.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <limits>
#include <utility>

namespace moescope::cli {

namespace {

constexpr const char *kUsualCounters = "basic";
constexpr std::int64_t kInt32 = std::numeric_limits<std::int32_t>::max();

// Reads one option where it was given; the destination keeps its default otherwise.
template <typename T>
Status read_integer(const std::optional<std::string> &text, std::string_view option, T &to,
                    std::int64_t low, std::int64_t high) {
    if (!text)
        return {};
    const auto value = parse_integer(option, *text, low, high);
    if (!value)
        return value.error();
    to = T(*value);
    return {};
}

Status read_real(const std::optional<std::string> &text, std::string_view option, double &to,
                 double low, double high) {
    if (!text)
        return {};
    const auto value = parse_real(option, *text, low, high);
    if (!value)
        return value.error();
    to = *value;
    return {};
}

bool looks_like_a_file(const std::string &model) {
    return model.ends_with(".json") || model.find('/') != std::string::npos;
}

Result<ModelShape> named_model(const std::string &name) {
    if (looks_like_a_file(name)) {
        Result<ModelShape> shape = shape_from_hf_config_file(name);
        return shape ? shape
                     : Error{"--model " + shape.error().what, shape.error().why,
                             shape.error().remedy};
    }
    const auto catalogue = load_catalogue(find_asset("models.json"));
    if (!catalogue)
        return catalogue.error();
    Result<ModelShape> shape = find_model(*catalogue, name);
    return shape ? shape
                 : Error{"--" + shape.error().what, shape.error().why, shape.error().remedy};
}

Result<ModelShape> starting_model(const PlanOptions &options) {
    if (options.model)
        return named_model(*options.model);
    if (!options.experts || !options.hidden || !options.intermediate || !options.top_k)
        return Error{"--model is missing", "it says which shape to run",
                     "name one of moescope models, a config.json, or give --experts, --hidden, "
                     "--intermediate and "
                     "--top-k"};
    ModelShape shape;
    shape.name = "custom";
    shape.source = "command line";
    return shape;
}

Status read_model(const PlanOptions &options, ModelShape &shape) {
    Result<ModelShape> start = starting_model(options);
    if (!start)
        return start.error();
    shape = std::move(*start);
    if (options.model && (options.experts || options.hidden || options.intermediate))
        shape.name += " (changed)";
    for (const Status &status :
         {read_integer(options.experts, "--experts", shape.experts, 1, 4096),
          read_integer(options.hidden, "--hidden", shape.hidden, 8, 65536),
          read_integer(options.intermediate, "--intermediate", shape.intermediate, 8, 262144),
          read_integer(options.top_k, "--top-k", shape.top_k, 1, 4096),
          read_integer(options.vocab, "--vocab", shape.vocab, 1, 1 << 24)})
        if (!status)
            return status;
    if (options.dtype) {
        const Result<DType> dtype = dtype_of("--dtype", *options.dtype);
        if (!dtype)
            return dtype.error();
        shape.dtype = *dtype;
    }
    return {};
}

Status read_workload(const PlanOptions &options, Workload &workload) {
    if (const Status status = read_model(options, workload.model); !status)
        return status;
    for (const Status &status :
         {read_integer(options.tokens, "--tokens", workload.tokens, 1, 1 << 20),
          read_integer(options.rank, "--rank", workload.lora_rank, 0, 256),
          read_real(options.lora_scaling, "--lora-scaling", workload.lora_scaling, -1e6, 1e6),
          read_integer(options.quant_block, "--quant-block", workload.quant_block, 32, 4096),
          read_integer(options.nested_block, "--nested-block", workload.nested_block, 32, 4096)})
        if (!status)
            return status;
    if (options.quant) {
        const Result<QuantFormat> format = quant_format_of("--quant", *options.quant);
        if (!format)
            return format.error();
        workload.quant_format = *format;
    }
    if (options.skew) {
        const Result<Skew> skew = parse_skew(*options.skew);
        if (!skew)
            return Error{"--" + skew.error().what, skew.error().why, skew.error().remedy};
        workload.skew = *skew;
    }
    if (options.seed) {
        const Result<std::uint64_t> seed = parse_unsigned("--seed", *options.seed);
        if (!seed)
            return seed.error();
        workload.seed = *seed;
    }
    return {};
}

Status read_repetition(const PlanOptions &options, Repetition &repetition) {
    for (const Status &status :
         {read_integer(options.warmup, "--warmup", repetition.warmup, 0, 10'000),
          read_integer(options.min_samples, "--min-samples", repetition.min_samples, 1, 100'000),
          read_integer(options.max_samples, "--max-samples", repetition.max_samples, 1, 100'000),
          read_real(options.target_ci, "--target-ci", repetition.target_relative_ci, 0, 1),
          read_real(options.max_seconds, "--max-seconds", repetition.max_seconds, 0.001, 3600)})
        if (!status)
            return status;
    // One limit alone moves the other along rather than contradict it.
    if (!options.max_samples)
        repetition.max_samples = std::max(repetition.max_samples, repetition.min_samples);
    if (!options.min_samples)
        repetition.min_samples = std::min(repetition.min_samples, repetition.max_samples);
    return {};
}

Result<std::vector<std::string>> names(std::string_view option,
                                       const std::optional<std::string> &text) {
    return text ? parse_list(option, *text) : std::vector<std::string>{};
}

Error of_option(std::string_view option, const Error &error) {
    return {std::string(option) + ": " + error.what, error.why, error.remedy};
}

// Rather than come with its family.
bool names_itself(const std::vector<std::string> &ops, OperatorId op) {
    return std::ranges::find(ops, info(op).name) != ops.end();
}

// All that several ranks run together; with LoRA too where its rank was asked for.
void read_rank_items(const PlanOptions &options, Plan &plan) {
    for (const OperatorInfo &op : operators())
        for (const VariantInfo &variant : op.variants)
            if (op.family == OperatorFamily::Parallel && (!variant.lora || (options.rank && plan.workload.lora_rank > 0)))
                plan.items.push_back({op.id, std::string(variant.name), {}});
}

Status read_items(const PlanOptions &options, Purpose purpose, Plan &plan) {
    if (plan.ranks) {
        read_rank_items(options, plan);
        return {};
    }
    Result<std::vector<std::string>> ops = names("--ops", options.ops);
    if (!ops)
        return ops.error();
    const Result<std::vector<std::string>> variants = names("--variants", options.variants);
    if (!variants)
        return variants.error();
    Result<std::vector<PlanItem>> items = plan_items(plan.workload, *ops, *variants);
    if (!items)
        return of_option(options.variants ? "--variants"
                         : options.ops    ? "--ops"
                                          : "operators",
                         items.error());
    plan.items = std::move(*items);
    if (purpose == Purpose::Tune) {
        std::erase_if(plan.items, [&](const PlanItem &item) {
            return !info(item.op).tunable && !names_itself(*ops, item.op);
        });
        if (plan.items.empty())
            return Error{fmt::format("--ops is \"{}\"", fmt::join(*ops, ",")),
                         "none of its operators has tiles",
                         "only these have: " + tunable_operators()};
        plan.tune = tunable_items(plan.workload, plan.items);
        std::ranges::copy_if(plan.items, std::back_inserter(plan.tune), // named, and refused with the reason
                             [](const PlanItem &item) { return !info(item.op).tunable; });
    } else if (options.tune_first)
        plan.tune = tunable_items(plan.workload, plan.items);
    return {};
}

Status read_tile(const PlanOptions &options, Plan &plan) {
    if (!options.tile)
        return {};
    const Result<Tile> tile = parse_tile("--tile", *options.tile);
    if (!tile)
        return tile.error();
    bool any = false;
    for (PlanItem &item : plan.items)
        if (info(item.op).tunable) {
            item.config = {tile->block_m, tile->block_n, tile->block_k, tile->warps, tile->stages};
            any = true;
        }
    if (!any)
        return Error{"--tile is \"" + *options.tile + "\"",
                     "none of the chosen operators has tiles",
                     "only these have: " + tunable_operators()};
    return {};
}

Status read_metrics(const std::optional<std::string> &text, const char *option, const char *usual,
                    std::vector<std::string> &to) {
    if (!text)
        return {};
    const auto words = parse_list(option, text->empty() ? usual : *text);
    if (!words)
        return words.error();
    const auto sets = load_metric_sets(find_asset("metrics.json"));
    if (!sets)
        return sets.error();
    auto metrics = metrics_named(*sets, *words);
    if (!metrics)
        return of_option(option, metrics.error());
    to = std::move(*metrics);
    return {};
}

Status read_sampling(const PlanOptions &options, Plan &plan) {
    if (const Status status = read_metrics(options.sample, "--sample", kSamplingSet, plan.sampled); !status)
        return status;
    plan.pc_sampling = options.pc_sampling;
    if (options.sample_interval && !options.sample)
        return Error{"--sample-interval is given without --sample", "it says how often counters are sampled",
                     "give both"};
    constexpr std::int64_t kNsPerUs = 1'000;
    std::int64_t interval_us = plan.sampling_interval_ns / kNsPerUs;
    if (const Status status = read_integer(options.sample_interval, "--sample-interval", interval_us, 1, 1'000'000);
        !status)
        return status;
    plan.sampling_interval_ns = interval_us * kNsPerUs;
    return {};
}

// A field's name as its option, for errors of validate(): "tokens is 0" becomes "--tokens is 0".
Error with_options(const Error &error) {
    constexpr std::array kFields = {std::pair{"tokens is", "--tokens is"},
                                    std::pair{"rank is", "--rank is"},
                                    std::pair{"top_k is", "--top-k is"},
                                    std::pair{"experts is", "--experts is"},
                                    std::pair{"hidden is", "--hidden is"},
                                    std::pair{"intermediate is", "--intermediate is"},
                                    std::pair{"vocab is", "--vocab is"},
                                    std::pair{"quant_block is", "--quant-block is"},
                                    std::pair{"nested_block is", "--nested-block is"},
                                    std::pair{"device is", "--device is"},
                                    std::pair{"max_samples is", "--max-samples is"},
                                    std::pair{"block_", "--tile: block_"},
                                    std::pair{"warps is", "--tile: warps is"},
                                    std::pair{"the tile ", "--tile: the tile "},
                                    std::pair{"stages is", "--tile: stages is"}};
    for (const auto &[field, option] : kFields)
        if (error.what.starts_with(field))
            return {option + error.what.substr(std::string_view(field).size()), error.why,
                    error.remedy};
    return error;
}

void add(CLI::App &command, const char *group, const char *name, std::optional<std::string> &to, const char *value,
         const char *help) {
    command.add_option(name, to, help)->group(group)->type_name(value);
}

void add_item_options(CLI::App &command, PlanOptions &o) {
    add(command, "Plan", "--ops", o.ops, "A,B", "Operators, families of them, or all (the forward pass)");
    add(command, "Plan", "--variants", o.variants, "A,B", "Variants (all that can run)");
    add(command, "Plan", "--tile", o.tile, "TILE", "Tile of the operators that have one, as in 128x64x32,w4,s3");
}

void add_counter_options(CLI::App &command, PlanOptions &o) {
    command
        .add_option("--counters", o.counters,
                    "Also read hardware counters: a set (basic, memory, stalls, all), or metrics by "
                    "name; without a value, basic")
        ->expected(0, 1)
        ->type_name("SET|NAME,NAME")
        ->group("Plan");
    command
        .add_option("--sample", o.sample,
                    "Also sample counters over time, after everything was timed: a set or metrics that "
                    "fit one pass; without a value, sampling")
        ->expected(0, 1)
        ->type_name("SET|NAME,NAME")
        ->group("Plan");
    add(command, "Plan", "--sample-interval", o.sample_interval, "US", "Microseconds between two samples (20)");
    command
        .add_flag("--pc-sampling", o.pc_sampling,
                  "Also sample the instructions that warps wait at, and why")
        ->group("Plan");
}

} // namespace

void add_workload_options(CLI::App &command, PlanOptions &o) {
    add(command, "Shape", "--model", o.model, "NAME|FILE",
        "A model of the catalogue, or a Hugging Face config.json");
    add(command, "Shape", "--experts", o.experts, "E", "Number of experts, 1..4096");
    add(command, "Shape", "--hidden", o.hidden, "H", "Hidden size, a multiple of 8");
    add(command, "Shape", "--intermediate", o.intermediate, "I", "Inner size of an expert, a multiple of 8");
    add(command, "Shape", "--top-k", o.top_k, "K", "Experts a token");
    add(command, "Shape", "--vocab", o.vocab, "V", "Tokens of the vocabulary (the model's)");
    add(command, "Shape", "--dtype", o.dtype, "TYPE", "f32, f16 or bf16");
    add(command, "Workload", "--tokens", o.tokens, "T", "Tokens, 1..1048576 (2048)");
    add(command, "Workload", "--rank,--lora-rank", o.rank, "R", "LoRA rank, 0..256; 0: no LoRA (16)");
    add(command, "Workload", "--lora-scaling", o.lora_scaling, "S", "LoRA scaling, alpha / rank (2)");
    add(command, "Workload", "--skew", o.skew, "SKEW", "uniform, zipf:S or hot:F (uniform)");
    add(command, "Workload", "--seed", o.seed, "N", "Seed of all inputs (1)");
    add(command, "Workload", "--quant", o.quant, "FORMAT",
        "Quantised weights: nf4, fp4, fp8_tensor, fp8_row, fp8_block or mxfp4 (nf4)");
    add(command, "Workload", "--quant-block", o.quant_block, "N",
        "NF4 and FP4 block size, a power of two in 32..4096 (64)");
    add(command, "Workload", "--nested-block", o.nested_block, "N", "Block size of the nested scales (256)");
}

void add_timing_options(CLI::App &command, PlanOptions &o) {
    add(command, "Plan", "--device", o.device, "ID", "auto, cuda:N, cpu; run also takes cuda:all, every GPU in turn (auto)");
    add(command, "Plan", "--warmup", o.warmup, "N", "Repetitions before the measured ones (3)");
    add(command, "Plan", "--min-samples", o.min_samples, "N", "Fewest measured repetitions (10)");
    add(command, "Plan", "--max-samples", o.max_samples, "N", "Most measured repetitions (200)");
    add(command, "Plan", "--target-ci", o.target_ci, "F",
        "Stop when the median's 95 % interval is this narrow, relative (0.01)");
    add(command, "Plan", "--max-seconds", o.max_seconds, "S", "Limit of one measurement (1)");
    command.add_flag("--cold", o.cold, "Flush the L2 before every repetition (the default)")
        ->group("Plan");
    command.add_flag("--warm", o.warm, "Leave the L2 as the last repetition left it")
        ->group("Plan");
    command.add_flag("--no-capture", o.no_capture, "Do not record kernels and calls with CUPTI")
        ->group("Plan");
    command.add_flag("--no-check", o.no_check, "Do not compare the variants' results")
        ->group("Plan");
}

void add_plan_options(CLI::App &command, PlanOptions &options) {
    add_workload_options(command, options);
    add_item_options(command, options);
    add_timing_options(command, options);
    add_counter_options(command, options);
}

Result<Workload> make_workload(const PlanOptions &options) {
    Workload workload;
    if (const Status status = read_workload(options, workload); !status)
        return status.error();
    return workload;
}

Result<Plan> make_plan(const PlanOptions &options, Purpose purpose) {
    Result<Workload> workload = make_workload(options);
    if (!workload)
        return workload.error();
    return make_plan(options, std::move(*workload), purpose);
}

Result<Plan> make_plan(const PlanOptions &options, Workload workload, Purpose purpose) {
    Plan plan;
    plan.workload = std::move(workload);
    plan.ranks = options.ranks;
    if (options.cold && options.warm)
        return Error{"--cold and --warm are both given", "they exclude each other",
                     "give one of them"};
    if (const Status status = validate(plan.workload); !status)
        return with_options(status.error());
    if (const Status status = read_repetition(options, plan.repetition); !status)
        return status.error();
    if (const Status status = read_items(options, purpose, plan); !status)
        return status.error();
    if (const Status status = read_tile(options, plan); !status)
        return status.error();
    if (const Status status = read_metrics(options.counters, "--counters", kUsualCounters, plan.counters); !status)
        return status.error();
    if (const Status status = read_sampling(options, plan); !status)
        return status.error();
    plan.device = options.device.value_or("auto");
    plan.cache = options.warm ? CacheState::Warm : CacheState::Cold;
    plan.capture = !options.no_capture;
    plan.check_results = !options.no_check;
    if (const Status status = validate(plan); !status)
        return with_options(status.error());
    return plan;
}

} // namespace moescope::cli
