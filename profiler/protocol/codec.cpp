#include "profiler/protocol/codec.h"

#include <fmt/format.h>

#include <string>

namespace moescope {

namespace {

// The protocol's enums list the structs' enumerators in the same order: only the range is checked.
template <typename Enum> Enum decode_enum(int value, bool known, std::string_view field, Decoding &decoding) {
    if (known)
        return static_cast<Enum>(value);
    decoding.reject(field, std::to_string(value));
    return Enum{};
}

OperatorId decode_operator(const std::string &name, std::string_view field, Decoding &decoding) {
    if (const Result<OperatorId> found = find_operator(name))
        return *found;
    decoding.reject(field, name);
    return OperatorId{};
}

template <typename T> void put(const std::vector<T> &from, google::protobuf::RepeatedField<T> *to) {
    to->Assign(from.begin(), from.end());
}
template <typename T> std::vector<T> take(const google::protobuf::RepeatedField<T> &from) {
    return {from.begin(), from.end()};
}

} // namespace

void Decoding::reject(std::string_view field, std::string_view value) {
    if (status_)
        status_ = Error{fmt::format("a message's {} is \"{}\"", field, value), "this version does not know that value",
                        "use the same version of moescope and moescope-worker"};
}

void to_wire(const Error &from, wire::Error *to) {
    to->set_what(from.what);
    to->set_why(from.why);
    to->set_remedy(from.remedy);
}
Error from_wire(const wire::Error &from) { return {from.what(), from.why(), from.remedy()}; }

void to_wire(const ModelShape &from, wire::ModelShape *to) {
    to->set_name(from.name);
    to->set_source(from.source);
    to->set_experts(from.experts);
    to->set_hidden(from.hidden);
    to->set_intermediate(from.intermediate);
    to->set_top_k(from.top_k);
    to->set_shared_experts(from.shared_experts);
    to->set_shared_intermediate(from.shared_intermediate);
    to->set_latent(from.latent);
    to->set_dense_first(from.dense_first);
    to->set_vocab(from.vocab);
    to->set_router(static_cast<wire::RouterKind>(from.router));
    to->set_renorm(static_cast<wire::Renorm>(from.renorm));
    to->set_renorm_epsilon(from.renorm_epsilon);
    to->set_groups(from.groups);
    to->set_groups_kept(from.groups_kept);
    to->set_group_score(static_cast<wire::GroupScore>(from.group_score));
    to->set_routed_scaling(from.routed_scaling);
    to->set_correction_bias(from.correction_bias);
    to->set_gated(from.gated);
    to->set_activation(static_cast<wire::Activation>(from.activation));
    to->set_dtype(static_cast<wire::DType>(from.dtype));
}

ModelShape from_wire(const wire::ModelShape &from, Decoding &decoding) {
    ModelShape to;
    to.name = from.name();
    to.source = from.source();
    to.experts = from.experts();
    to.hidden = from.hidden();
    to.intermediate = from.intermediate();
    to.top_k = from.top_k();
    to.shared_experts = from.shared_experts();
    to.shared_intermediate = from.shared_intermediate();
    to.latent = from.latent();
    to.dense_first = from.dense_first();
    to.vocab = from.vocab();
    to.router = decode_enum<RouterKind>(from.router(), wire::RouterKind_IsValid(from.router()), "router", decoding);
    to.renorm = decode_enum<Renorm>(from.renorm(), wire::Renorm_IsValid(from.renorm()), "renorm", decoding);
    to.renorm_epsilon = from.renorm_epsilon();
    to.groups = from.groups();
    to.groups_kept = from.groups_kept();
    to.group_score =
        decode_enum<GroupScore>(from.group_score(), wire::GroupScore_IsValid(from.group_score()), "group_score", decoding);
    to.routed_scaling = from.routed_scaling();
    to.correction_bias = from.correction_bias();
    to.gated = from.gated();
    to.activation =
        decode_enum<Activation>(from.activation(), wire::Activation_IsValid(from.activation()), "activation", decoding);
    to.dtype = decode_enum<DType>(from.dtype(), wire::DType_IsValid(from.dtype()), "dtype", decoding);
    return to;
}

void to_wire(const Workload &from, wire::Workload *to) {
    to_wire(from.model, to->mutable_model());
    to->set_tokens(from.tokens);
    to->set_lora_rank(from.lora_rank);
    to->set_lora_scaling(from.lora_scaling);
    to->set_skew(static_cast<wire::SkewKind>(from.skew.kind));
    to->set_skew_value(from.skew.value);
    to->set_seed(from.seed);
    to->set_quant_block(from.quant_block);
    to->set_nested_block(from.nested_block);
    to->set_quant_format(static_cast<wire::QuantFormat>(from.quant_format));
}

Workload from_wire(const wire::Workload &from, Decoding &decoding) {
    Workload to;
    to.model = from_wire(from.model(), decoding);
    to.tokens = from.tokens();
    to.lora_rank = from.lora_rank();
    to.lora_scaling = from.lora_scaling();
    to.skew.kind = decode_enum<Skew::Kind>(from.skew(), wire::SkewKind_IsValid(from.skew()), "skew", decoding);
    to.skew.value = from.skew_value();
    to.seed = from.seed();
    to.quant_block = from.quant_block();
    to.nested_block = from.nested_block();
    to.quant_format = decode_enum<QuantFormat>(from.quant_format(), wire::QuantFormat_IsValid(from.quant_format()),
                                               "quant_format", decoding);
    return to;
}

void to_wire(const TileConfig &from, wire::TileConfig *to) {
    to->set_block_m(from.block_m);
    to->set_block_n(from.block_n);
    to->set_block_k(from.block_k);
    to->set_warps(from.warps);
    to->set_stages(from.stages);
}
TileConfig from_wire(const wire::TileConfig &from) {
    return {from.block_m(), from.block_n(), from.block_k(), from.warps(), from.stages()};
}

void to_wire(const PlanItem &from, wire::PlanItem *to) {
    to->set_op(std::string(info(from.op).name));
    to->set_variant(from.variant);
    to_wire(from.config, to->mutable_config());
}
PlanItem from_wire(const wire::PlanItem &from, Decoding &decoding) {
    return {decode_operator(from.op(), "plan item", decoding), from.variant(), from_wire(from.config())};
}

void to_wire(const Plan &from, wire::Plan *to) {
    to_wire(from.workload, to->mutable_workload());
    to->set_device(from.device);
    for (const PlanItem &item : from.items)
        to_wire(item, to->add_items());
    to->set_warmup(from.repetition.warmup);
    to->set_min_samples(from.repetition.min_samples);
    to->set_max_samples(from.repetition.max_samples);
    to->set_target_relative_ci(from.repetition.target_relative_ci);
    to->set_max_seconds(from.repetition.max_seconds);
    to->set_cache(static_cast<wire::CacheState>(from.cache));
    to->set_capture(from.capture);
    to->set_check_results(from.check_results);
    for (const PlanItem &item : from.tune)
        to_wire(item, to->add_tune());
    to->set_tune_max_candidates(from.tune_max_candidates);
    to->mutable_counters()->Assign(from.counters.begin(), from.counters.end());
    to->mutable_sampled()->Assign(from.sampled.begin(), from.sampled.end());
    to->set_sampling_interval_ns(from.sampling_interval_ns);
    to->set_pc_sampling(from.pc_sampling);
    if (from.ranks) {
        wire::MeetingPlace &ranks = *to->mutable_ranks();
        ranks.set_rank(from.ranks->rank);
        ranks.set_size(from.ranks->size);
        ranks.set_host(from.ranks->host);
        ranks.set_port(from.ranks->port);
        ranks.set_word(from.ranks->word);
        ranks.set_patience_seconds(from.ranks->patience_seconds);
    }
    to_wire(from.edits, to->mutable_edits());
}

Plan from_wire(const wire::Plan &from, Decoding &decoding) {
    Plan to;
    to.workload = from_wire(from.workload(), decoding);
    to.device = from.device();
    for (const wire::PlanItem &item : from.items())
        to.items.push_back(from_wire(item, decoding));
    to.repetition.warmup = from.warmup();
    to.repetition.min_samples = from.min_samples();
    to.repetition.max_samples = from.max_samples();
    to.repetition.target_relative_ci = from.target_relative_ci();
    to.repetition.max_seconds = from.max_seconds();
    to.cache = decode_enum<CacheState>(from.cache(), wire::CacheState_IsValid(from.cache()), "cache", decoding);
    to.capture = from.capture();
    to.check_results = from.check_results();
    for (const wire::PlanItem &item : from.tune())
        to.tune.push_back(from_wire(item, decoding));
    to.tune_max_candidates = from.tune_max_candidates();
    to.counters.assign(from.counters().begin(), from.counters().end());
    to.sampled.assign(from.sampled().begin(), from.sampled().end());
    to.sampling_interval_ns = from.sampling_interval_ns();
    to.pc_sampling = from.pc_sampling();
    if (from.has_ranks())
        to.ranks = MeetingPlace{from.ranks().rank(), from.ranks().size(), from.ranks().host(), from.ranks().port(),
                                from.ranks().word(), from.ranks().patience_seconds()};
    to.edits = from_wire(from.edits());
    return to;
}

void to_wire(const Ceilings &from, wire::Ceilings *to) {
    to->set_bytes_per_second(from.bytes_per_second);
    to->set_flops_per_second(from.flops_per_second);
    to->set_bytes_measured(from.bytes_measured);
    to->set_flops_measured(from.flops_measured);
    to->set_bytes_measured_ns(from.bytes_measured_ns);
    to->set_flops_measured_ns(from.flops_measured_ns);
    to->set_l2_bytes_per_second(from.l2_bytes_per_second);
    to->set_l2_measured_ns(from.l2_measured_ns);
    to->set_launch_ns(from.launch_ns);
    to->set_launch_measured_ns(from.launch_measured_ns);
}

Ceilings from_wire(const wire::Ceilings &from) {
    return {from.bytes_per_second(),    from.flops_per_second(),  from.bytes_measured(),
            from.flops_measured(),      from.bytes_measured_ns(), from.flops_measured_ns(),
            from.l2_bytes_per_second(), from.l2_measured_ns(),    from.launch_ns(),
            from.launch_measured_ns()};
}

void to_wire(const DeviceInfo &from, wire::DeviceInfo *to) {
    to->set_id(from.id);
    to->set_name(from.name);
    to->set_arch(from.arch);
    to->set_driver(from.driver);
    to->set_runtime(from.runtime);
    to->set_host(from.host);
    to->set_multiprocessors(from.multiprocessors);
    to->set_max_threads_per_sm(from.max_threads_per_sm);
    to->set_warp_size(from.warp_size);
    to->set_max_threads_per_block(from.max_threads_per_block);
    to->set_registers_per_sm(from.registers_per_sm);
    to->set_registers_per_block(from.registers_per_block);
    to->set_smem_per_sm_bytes(from.smem_per_sm_bytes);
    to->set_smem_per_block_bytes(from.smem_per_block_bytes);
    to->set_smem_per_block_optin_bytes(from.smem_per_block_optin_bytes);
    to->set_memory_bytes(from.memory_bytes);
    to->set_free_memory_bytes(from.free_memory_bytes);
    to->set_l2_bytes(from.l2_bytes);
    to->set_compute_major(from.compute_major);
    to->set_compute_minor(from.compute_minor);
    to->set_sm_clock_mhz(from.sm_clock_mhz);
    to->set_memory_clock_mhz(from.memory_clock_mhz);
    to_wire(from.ceilings, to->mutable_ceilings());
    to->set_link_bytes_per_second(from.link_bytes_per_second);
    for (const DeviceInfo::Capability &capability : from.capabilities) {
        wire::Capability *out = to->add_capabilities();
        out->set_collector(capability.collector);
        out->set_state(capability.state);
        out->set_reason(capability.reason);
        out->set_remedy(capability.remedy);
    }
}

DeviceInfo from_wire(const wire::DeviceInfo &from) {
    DeviceInfo to;
    to.id = from.id();
    to.name = from.name();
    to.arch = from.arch();
    to.driver = from.driver();
    to.runtime = from.runtime();
    to.host = from.host();
    to.multiprocessors = from.multiprocessors();
    to.max_threads_per_sm = from.max_threads_per_sm();
    to.warp_size = from.warp_size();
    to.max_threads_per_block = from.max_threads_per_block();
    to.registers_per_sm = from.registers_per_sm();
    to.registers_per_block = from.registers_per_block();
    to.smem_per_sm_bytes = from.smem_per_sm_bytes();
    to.smem_per_block_bytes = from.smem_per_block_bytes();
    to.smem_per_block_optin_bytes = from.smem_per_block_optin_bytes();
    to.memory_bytes = from.memory_bytes();
    to.free_memory_bytes = from.free_memory_bytes();
    to.l2_bytes = from.l2_bytes();
    to.compute_major = from.compute_major();
    to.compute_minor = from.compute_minor();
    to.sm_clock_mhz = from.sm_clock_mhz();
    to.memory_clock_mhz = from.memory_clock_mhz();
    to.ceilings = from_wire(from.ceilings());
    to.link_bytes_per_second = from.link_bytes_per_second();
    for (const wire::Capability &capability : from.capabilities())
        to.capabilities.push_back({capability.collector(), capability.state(), capability.reason(), capability.remedy()});
    return to;
}

void to_wire(const Summary &from, wire::Summary *to) {
    to->set_samples(from.samples);
    to->set_minimum(from.minimum);
    to->set_p10(from.p10);
    to->set_median(from.median);
    to->set_p90(from.p90);
    to->set_maximum(from.maximum);
    to->set_mean(from.mean);
    to->set_ci_low(from.ci_low);
    to->set_ci_high(from.ci_high);
}
Summary from_wire(const wire::Summary &from) {
    return {std::size_t(from.samples()), from.minimum(), from.p10(),    from.median(), from.p90(),
            from.maximum(),              from.mean(),    from.ci_low(), from.ci_high()};
}

void to_wire(const Measurement &from, wire::Measurement *to) {
    to->set_op(std::string(info(from.op).name));
    to->set_variant(from.variant);
    to_wire(from.config, to->mutable_config());
    to->set_state(static_cast<wire::MeasurementState>(from.state));
    to->set_timer(static_cast<wire::Timer>(from.timer));
    to->set_cache(static_cast<wire::CacheState>(from.cache));
    to->set_warmup(from.warmup);
    put(from.samples_ns, to->mutable_samples_ns());
    put(from.event_samples_ns, to->mutable_event_samples_ns());
    to_wire(from.time, to->mutable_time());
    to_wire(from.event_time, to->mutable_event_time());
    to->set_kernel_ns(from.kernel_ns);
    to->set_gap_ns(from.gap_ns);
    to->set_kernels_per_repetition(from.kernels_per_repetition);
    to->set_cost_bytes(from.cost.bytes);
    to->set_cost_flops(from.cost.flops);
    to->set_floor_ns(from.floor_ns);
    to->set_input_bytes(from.input_bytes);
    to->set_output_bytes(from.output_bytes);
    to->set_workspace_bytes(from.workspace_bytes);
    to->set_peak_bytes(from.peak_bytes);
    to->set_relative_error(from.relative_error);
    to->set_reference(from.reference);
    to->set_tuned(from.tuned);
    to->set_throttle(from.throttle);
    to_wire(from.failure, to->mutable_failure());
}

Measurement from_wire(const wire::Measurement &from, Decoding &decoding) {
    using State = Measurement::State;
    using Timer = Measurement::Timer;
    Measurement to;
    to.op = decode_operator(from.op(), "measurement", decoding);
    to.variant = from.variant();
    to.config = from_wire(from.config());
    to.state = decode_enum<State>(from.state(), wire::MeasurementState_IsValid(from.state()), "measurement state", decoding);
    to.timer = decode_enum<Timer>(from.timer(), wire::Timer_IsValid(from.timer()), "timer", decoding);
    to.cache = decode_enum<CacheState>(from.cache(), wire::CacheState_IsValid(from.cache()), "cache", decoding);
    to.warmup = from.warmup();
    to.samples_ns = take(from.samples_ns());
    to.event_samples_ns = take(from.event_samples_ns());
    to.time = from_wire(from.time());
    to.event_time = from_wire(from.event_time());
    to.kernel_ns = from.kernel_ns();
    to.gap_ns = from.gap_ns();
    to.kernels_per_repetition = from.kernels_per_repetition();
    to.cost = {from.cost_bytes(), from.cost_flops()};
    to.floor_ns = from.floor_ns();
    to.input_bytes = from.input_bytes();
    to.output_bytes = from.output_bytes();
    to.workspace_bytes = from.workspace_bytes();
    to.peak_bytes = from.peak_bytes();
    to.relative_error = from.relative_error();
    to.reference = from.reference();
    to.tuned = from.tuned();
    to.throttle = from.throttle();
    to.failure = from_wire(from.failure());
    return to;
}

void to_wire(const Candidate &from, wire::Candidate *to) {
    to->set_op(std::string(info(from.op).name));
    to->set_variant(from.variant);
    to_wire(from.config, to->mutable_config());
    to->set_fate(static_cast<wire::Fate>(from.fate));
    to->set_reason(from.reason);
    to->set_registers(from.registers);
    to->set_spill_bytes(from.spill_bytes);
    to->set_smem_bytes(from.smem_bytes);
    to->set_threads(from.threads);
    to->set_blocks_per_sm(from.blocks_per_sm);
    to->set_compile_ms(from.compile_ms);
    to->set_from_cache(from.from_cache);
    to_wire(from.time, to->mutable_time());
}

Candidate from_wire(const wire::Candidate &from, Decoding &decoding) {
    Candidate to;
    to.op = decode_operator(from.op(), "candidate", decoding);
    to.variant = from.variant();
    to.config = from_wire(from.config());
    to.fate = decode_enum<Candidate::Fate>(from.fate(), wire::Fate_IsValid(from.fate()), "fate", decoding);
    to.reason = from.reason();
    to.registers = from.registers();
    to.spill_bytes = from.spill_bytes();
    to.smem_bytes = from.smem_bytes();
    to.threads = from.threads();
    to.blocks_per_sm = from.blocks_per_sm();
    to.compile_ms = from.compile_ms();
    to.from_cache = from.from_cache();
    to.time = from_wire(from.time());
    return to;
}

void to_wire(const RoutingRecord &from, wire::Routing *to) {
    to->set_tokens(from.tokens);
    to->set_top_k(from.top_k);
    put(from.counts, to->mutable_counts());
    put(from.sample_ids, to->mutable_sample_ids());
}
RoutingRecord from_wire(const wire::Routing &from) {
    return {RunId{}, from.tokens(), from.top_k(), take(from.counts()), take(from.sample_ids())};
}

void to_wire(const MetricsRequest &from, wire::MetricsRequest *to) {
    to->set_chip(from.chip);
    to->set_device(from.device);
    to->mutable_metrics()->Assign(from.metrics.begin(), from.metrics.end());
    to->set_catalogue(from.catalogue);
}

MetricsRequest from_wire(const wire::MetricsRequest &from) {
    return {from.chip(), from.device(), {from.metrics().begin(), from.metrics().end()}, from.catalogue()};
}

void to_wire(const MetricsAnswer &from, wire::Metrics *to) {
    to->set_chip(from.chip);
    to->mutable_chips()->Assign(from.chips.begin(), from.chips.end());
    for (const MetricInfo &metric : from.catalogue) {
        wire::MetricInfo *out = to->add_catalogue();
        out->set_name(metric.name);
        out->set_kind(std::uint32_t(metric.kind));
        out->set_description(metric.description);
        out->set_unit(metric.unit);
        out->set_hardware(metric.hardware);
    }
    to->mutable_readable()->Assign(from.readable.begin(), from.readable.end());
    to->mutable_missing()->Assign(from.missing.begin(), from.missing.end());
    to->set_passes(from.passes);
    to_wire(from.error, to->mutable_error());
}

MetricsAnswer from_wire(const wire::Metrics &from, Decoding &decoding) {
    MetricsAnswer to;
    to.chip = from.chip();
    to.chips.assign(from.chips().begin(), from.chips().end());
    for (const wire::MetricInfo &metric : from.catalogue()) {
        if (metric.kind() > std::uint32_t(MetricKind::Throughput))
            decoding.reject("metric kind", std::to_string(metric.kind()));
        to.catalogue.push_back({metric.name(), MetricKind(metric.kind()), metric.description(), metric.unit(), metric.hardware()});
    }
    to.readable.assign(from.readable().begin(), from.readable().end());
    to.missing.assign(from.missing().begin(), from.missing().end());
    to.passes = from.passes();
    to.error = from_wire(from.error());
    return to;
}

wire::RunState to_wire(RunRecord::State from) { return static_cast<wire::RunState>(from); }
RunRecord::State from_wire(wire::RunState from, Decoding &decoding) {
    return decode_enum<RunRecord::State>(from, wire::RunState_IsValid(from), "run state", decoding);
}

} // namespace moescope
