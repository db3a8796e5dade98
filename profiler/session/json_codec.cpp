#include "profiler/session/json_codec.h"

#include "profiler/session/json_fields.h"

#include <algorithm>

namespace moescope {

namespace {

Json item_to_json(const PlanItem &item) {
    return {{"operator", info(item.op).name},
            {"variant", item.variant},
            {"tile", to_json(item.config)}};
}

Json items_to_json(const std::vector<PlanItem> &items) {
    Json list = Json::array();
    for (const PlanItem &item : items)
        list.push_back(item_to_json(item));
    return list;
}

Json files_to_json(const std::vector<SourceFile> &files) {
    Json list = Json::array();
    for (const SourceFile &file : files)
        list.push_back({{"name", file.name}, {"text", file.text}});
    return list;
}

Result<SourceFile> file_from(const Json &json, const std::string &where) {
    SourceFile file;
    JsonFields fields(json, where);
    fields.read("name", file.name);
    fields.read("text", file.text);
    return fields.result(std::move(file));
}

Result<TileConfig> tile_from(const Json &json, const std::string &where) {
    TileConfig tile;
    JsonFields fields(json, where);
    fields.read("block_m", tile.block_m);
    fields.read("block_n", tile.block_n);
    fields.read("block_k", tile.block_k);
    fields.read("warps", tile.warps);
    fields.read("stages", tile.stages);
    return fields.result(tile);
}

Result<PlanItem> item_from(const Json &json, const std::string &where) {
    PlanItem item;
    std::string op;
    JsonFields fields(json, where);
    fields.read("operator", op);
    fields.read("variant", item.variant);
    fields.read_object("tile", item.config, tile_from);
    if (const auto found = find_operator(op))
        item.op = *found;
    else
        fields.refuse("operator", op, "the name of an operator");
    return fields.result(std::move(item));
}

Result<Skew> skew_from(const Json &json, const std::string &where) {
    Skew skew;
    JsonFields fields(json, where);
    fields.read("kind", skew.kind, Skew::Kind::Hot);
    fields.read("value", skew.value);
    return fields.result(skew);
}

Result<ModelShape> model_from(const Json &json, const std::string &where) {
    ModelShape shape;
    JsonFields fields(json, where);
    fields.read("name", shape.name);
    fields.read("source", shape.source);
    fields.read("experts", shape.experts);
    fields.read("hidden", shape.hidden);
    fields.read("intermediate", shape.intermediate);
    fields.read("top_k", shape.top_k);
    fields.read("shared_experts", shape.shared_experts);
    fields.read("shared_intermediate", shape.shared_intermediate);
    fields.read("latent", shape.latent);
    fields.read("dense_first", shape.dense_first);
    fields.read("router", shape.router, RouterKind::TopkSigmoid);
    fields.read("vocab", shape.vocab);
    fields.read("renorm", shape.renorm, Renorm::Skip);
    fields.read("renorm_epsilon", shape.renorm_epsilon);
    fields.read("groups", shape.groups);
    fields.read("groups_kept", shape.groups_kept);
    fields.read("group_score", shape.group_score, GroupScore::Max);
    fields.read("routed_scaling", shape.routed_scaling);
    fields.read("correction_bias", shape.correction_bias);
    fields.read("gated", shape.gated);
    shape.activation = shape.gated ? Activation::Silu : Activation::Relu2; // in older files
    fields.read("activation", shape.activation, Activation::Relu2);
    fields.read("dtype", shape.dtype, DType::BF16);
    return fields.result(std::move(shape));
}

Result<Workload> workload_from(const Json &json, const std::string &where) {
    Workload workload;
    JsonFields fields(json, where);
    fields.read_object("model", workload.model, model_from);
    fields.read("tokens", workload.tokens);
    fields.read("lora_rank", workload.lora_rank);
    fields.read("lora_scaling", workload.lora_scaling);
    fields.read_object("skew", workload.skew, skew_from);
    fields.read("seed", workload.seed);
    fields.read("quant_block", workload.quant_block);
    fields.read("nested_block", workload.nested_block);
    fields.read("quant_format", workload.quant_format, QuantFormat::MXFP4); // nf4 in older files
    return fields.result(std::move(workload));
}

Result<Repetition> repetition_from(const Json &json, const std::string &where) {
    Repetition repetition;
    JsonFields fields(json, where);
    fields.read("warmup", repetition.warmup);
    fields.read("min_samples", repetition.min_samples);
    fields.read("max_samples", repetition.max_samples);
    fields.read("target_relative_ci", repetition.target_relative_ci);
    fields.read("max_seconds", repetition.max_seconds);
    return fields.result(repetition);
}

// Where they met is over with the run.
Result<MeetingPlace> place_from(const Json &json, const std::string &where) {
    MeetingPlace place;
    JsonFields fields(json, where);
    fields.read("rank", place.rank);
    fields.read("size", place.size);
    return fields.result(std::move(place));
}

Result<Ceilings> ceilings_from(const Json &json, const std::string &where) {
    Ceilings ceilings;
    JsonFields fields(json, where);
    fields.read("bytes_per_second", ceilings.bytes_per_second);
    fields.read("flops_per_second", ceilings.flops_per_second);
    fields.read("bytes_measured", ceilings.bytes_measured);
    fields.read("flops_measured", ceilings.flops_measured);
    fields.read("bytes_measured_ns", ceilings.bytes_measured_ns);
    fields.read("flops_measured_ns", ceilings.flops_measured_ns);
    fields.read("l2_bytes_per_second", ceilings.l2_bytes_per_second);
    fields.read("l2_measured_ns", ceilings.l2_measured_ns);
    fields.read("launch_ns", ceilings.launch_ns);
    fields.read("launch_measured_ns", ceilings.launch_measured_ns);
    return fields.result(ceilings);
}

Result<DeviceInfo::Capability> capability_from(const Json &json, const std::string &where) {
    DeviceInfo::Capability capability;
    JsonFields fields(json, where);
    fields.read("collector", capability.collector);
    fields.read("state", capability.state);
    fields.read("reason", capability.reason);
    fields.read("remedy", capability.remedy);
    return fields.result(std::move(capability));
}

Result<std::string> text_from(const Json &json, const std::string &where) {
    if (!json.is_string())
        return Error{fmt::format("{} is {}", where, json.dump(-1, ' ', false, Json::error_handler_t::replace)),
                     "it must be a text", ""};
    return json.get<std::string>();
}

// Depth of the deepest bracket outside of texts. The library parses any depth, but prints and
// copies recursively: a file of nothing but brackets would exhaust the stack.
int nesting(std::string_view text) {
    int depth = 0, deepest = 0;
    bool in_text = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_text && c == '\\')
            ++at;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{'))
            deepest = std::max(deepest, ++depth);
        else if (!in_text && (c == ']' || c == '}'))
            --depth;
    }
    return deepest;
}

// Every plain field of a device with its key, for both directions.
template <typename Device, typename Visit> void visit_device(Device &device, Visit visit) {
    visit("id", device.id);
    visit("name", device.name);
    visit("arch", device.arch);
    visit("driver", device.driver);
    visit("runtime", device.runtime);
    visit("host", device.host);
    visit("multiprocessors", device.multiprocessors);
    visit("max_threads_per_sm", device.max_threads_per_sm);
    visit("warp_size", device.warp_size);
    visit("max_threads_per_block", device.max_threads_per_block);
    visit("registers_per_sm", device.registers_per_sm);
    visit("registers_per_block", device.registers_per_block);
    visit("smem_per_sm_bytes", device.smem_per_sm_bytes);
    visit("smem_per_block_bytes", device.smem_per_block_bytes);
    visit("smem_per_block_optin_bytes", device.smem_per_block_optin_bytes);
    visit("memory_bytes", device.memory_bytes);
    visit("free_memory_bytes", device.free_memory_bytes);
    visit("l2_bytes", device.l2_bytes);
    visit("compute_major", device.compute_major);
    visit("compute_minor", device.compute_minor);
    visit("sm_clock_mhz", device.sm_clock_mhz);
    visit("memory_clock_mhz", device.memory_clock_mhz);
}

} // namespace

Json to_json(const TileConfig &config) {
    return {{"block_m", config.block_m},
            {"block_n", config.block_n},
            {"block_k", config.block_k},
            {"warps", config.warps},
            {"stages", config.stages}};
}

Json to_json(const ModelShape &shape) {
    return {{"name", shape.name},
            {"source", shape.source},
            {"experts", shape.experts},
            {"hidden", shape.hidden},
            {"intermediate", shape.intermediate},
            {"top_k", shape.top_k},
            {"shared_experts", shape.shared_experts},
            {"shared_intermediate", shape.shared_intermediate},
            {"latent", shape.latent},
            {"dense_first", shape.dense_first},
            {"vocab", shape.vocab},
            {"router", name_of(shape.router)},
            {"renorm", name_of(shape.renorm)},
            {"renorm_epsilon", shape.renorm_epsilon},
            {"groups", shape.groups},
            {"groups_kept", shape.groups_kept},
            {"group_score", name_of(shape.group_score)},
            {"routed_scaling", shape.routed_scaling},
            {"correction_bias", shape.correction_bias},
            {"gated", shape.gated},
            {"activation", name_of(shape.activation)},
            {"dtype", name_of(shape.dtype)}};
}

Json to_json(const Workload &workload) {
    return {{"model", to_json(workload.model)},
            {"tokens", workload.tokens},
            {"lora_rank", workload.lora_rank},
            {"lora_scaling", workload.lora_scaling},
            {"skew", {{"kind", name_of(workload.skew.kind)}, {"value", workload.skew.value}}},
            {"seed", workload.seed},
            {"quant_block", workload.quant_block},
            {"nested_block", workload.nested_block},
            {"quant_format", name_of(workload.quant_format)}};
}

Json to_json(const Plan &plan) {
    const Repetition &repetition = plan.repetition;
    Json json = {{"workload", to_json(plan.workload)},
            {"device", plan.device},
            {"items", items_to_json(plan.items)},
            {"repetition",
             {{"warmup", repetition.warmup},
              {"min_samples", repetition.min_samples},
              {"max_samples", repetition.max_samples},
              {"target_relative_ci", repetition.target_relative_ci},
              {"max_seconds", repetition.max_seconds}}},
            {"cache", name_of(plan.cache)},
            {"capture", plan.capture},
            {"check_results", plan.check_results},
            {"tune", items_to_json(plan.tune)},
            {"tune_max_candidates", plan.tune_max_candidates},
            {"counters", plan.counters},
            {"sampled", plan.sampled},
            {"sampling_interval_ns", plan.sampling_interval_ns},
            {"pc_sampling", plan.pc_sampling}};
    if (plan.ranks)
        json["ranks"] = {{"rank", plan.ranks->rank}, {"size", plan.ranks->size}};
    if (!plan.edits.empty())
        json["edits"] = files_to_json(plan.edits);
    return json;
}

Json to_json(const Ceilings &ceilings) {
    Json json = {{"bytes_per_second", ceilings.bytes_per_second},
                 {"flops_per_second", ceilings.flops_per_second},
                 {"bytes_measured", ceilings.bytes_measured},
                 {"flops_measured", ceilings.flops_measured}};
    if (ceilings.bytes_measured_ns > 0)
        json["bytes_measured_ns"] = ceilings.bytes_measured_ns;
    if (ceilings.flops_measured_ns > 0)
        json["flops_measured_ns"] = ceilings.flops_measured_ns;
    if (ceilings.l2_bytes_per_second > 0) {
        json["l2_bytes_per_second"] = ceilings.l2_bytes_per_second;
        json["l2_measured_ns"] = ceilings.l2_measured_ns;
    }
    if (ceilings.launch_ns > 0) {
        json["launch_ns"] = ceilings.launch_ns;
        json["launch_measured_ns"] = ceilings.launch_measured_ns;
    }
    return json;
}

Json to_json(const DeviceInfo &device) {
    Json json = Json::object();
    visit_device(device, [&](const char *key, const auto &value) { json[key] = value; });
    json["ceilings"] = to_json(device.ceilings);
    if (device.link_bytes_per_second > 0)
        json["link_bytes_per_second"] = device.link_bytes_per_second;
    if (device.clock_uncertainty_ns > 0) {
        json["clock_offset_ns"] = device.clock_offset_ns;
        json["clock_uncertainty_ns"] = device.clock_uncertainty_ns;
    }
    if (device.worker_process > 0)
        json["worker_process"] = device.worker_process;
    json["capabilities"] = Json::array();
    for (const auto &each : device.capabilities)
        json["capabilities"].push_back(
            {{"collector", each.collector}, {"state", each.state}, {"reason", each.reason}, {"remedy", each.remedy}});
    return json;
}

Result<Workload> workload_from_json(const Json &json) { return workload_from(json, "workload"); }

Result<Plan> plan_from_json(const Json &json) {
    Plan plan;
    JsonFields fields(json, "plan");
    fields.read_object("workload", plan.workload, workload_from);
    fields.read("device", plan.device);
    fields.read_list("items", plan.items, item_from);
    fields.read_object("repetition", plan.repetition, repetition_from);
    fields.read("cache", plan.cache, CacheState::Warm);
    fields.read("capture", plan.capture);
    fields.read("check_results", plan.check_results);
    fields.read_list("tune", plan.tune, item_from);
    fields.read("tune_max_candidates", plan.tune_max_candidates);
    fields.read_list("counters", plan.counters, text_from); // none of these four in older files
    fields.read_list("sampled", plan.sampled, text_from);
    fields.read("sampling_interval_ns", plan.sampling_interval_ns);
    fields.read("pc_sampling", plan.pc_sampling);
    if (json.is_object() && json.contains("ranks"))
        fields.read_object("ranks", plan.ranks.emplace(), place_from);
    fields.read_list("edits", plan.edits, file_from); // of runs with edited kernels alone
    return fields.result(std::move(plan));
}

Result<Ceilings> ceilings_from_json(const Json &json) { return ceilings_from(json, "ceilings"); }

Result<DeviceInfo> device_from_json(const Json &json) {
    DeviceInfo device;
    JsonFields fields(json, "device");
    visit_device(device, [&](const char *key, auto &value) { fields.read(key, value); });
    fields.read_object("ceilings", device.ceilings, ceilings_from);
    fields.read("link_bytes_per_second", device.link_bytes_per_second);
    fields.read_signed("clock_offset_ns", device.clock_offset_ns);
    fields.read("clock_uncertainty_ns", device.clock_uncertainty_ns);
    std::int64_t process = device.worker_process;
    fields.read("worker_process", process);
    device.worker_process = std::uint32_t(process);
    fields.read_list("capabilities", device.capabilities, capability_from);
    return fields.result(std::move(device));
}

Result<Json> parse_json(std::string_view text, std::string_view of_what) {
    constexpr int kDeepest = 64;
    if (nesting(text) > kDeepest)
        return Error{fmt::format("{} is nested too deeply", of_what),
                     fmt::format("at most {} levels are read", kDeepest), ""};
    Json json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (json.is_discarded())
        return Error{fmt::format("{} is not JSON", of_what), "its text cannot be parsed", ""};
    return json;
}

std::string dump_json(const Json &json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace moescope
