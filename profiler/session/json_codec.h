// Plans and devices as JSON: what a session file keeps and the command line prints with --json.
//
// Plan:     {workload, device, items: [{operator, variant, tile}], repetition: {warmup, min_samples,
//           max_samples, target_relative_ci, max_seconds}, cache: cold|warm, capture, check_results,
//           tune: [as items], tune_max_candidates, counters: [metric], sampled: [metric],
//           sampling_interval_ns, pc_sampling, ranks: {rank, size} (of several ranks alone)}
// tile:     {block_m, block_n, block_k, warps, stages}; all 0: the default of the shape
// Workload: {model, tokens, lora_rank, lora_scaling, skew: {kind: uniform|zipf|hot, value}, seed,
//           quant_block, nested_block, quant_format: nf4|fp4|fp8_tensor|fp8_row|fp8_block|mxfp4}
// Model:    {name, source, experts, hidden, intermediate, top_k, shared_experts,
//           shared_intermediate, latent, dense_first, vocab, router, renorm, renorm_epsilon, groups, groups_kept, group_score,
//           routed_scaling, correction_bias, gated, activation, dtype}
// Device:   {id, name, arch, driver, runtime, host, <counts and sizes as in DeviceInfo>,
//           ceilings: {bytes_per_second, flops_per_second, bytes_measured, flops_measured,
//                      bytes_measured_ns, flops_measured_ns, l2_bytes_per_second, l2_measured_ns,
//                      launch_ns, launch_measured_ns (where known)},
//           link_bytes_per_second, clock_offset_ns, clock_uncertainty_ns, worker_process (where known),
//           capabilities: [{collector, state, reason, remedy}]}
//
// Reading: a missing key keeps its default, an unknown key is ignored; a value of the wrong type or
// out of its type's range is an error that names the key, the value and what is allowed. Whether
// the values make sense together is validate()'s to say.
#pragma once

#include "profiler/session/records.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace moescope {

using Json = nlohmann::ordered_json;

Json to_json(const TileConfig &config);
Json to_json(const ModelShape &shape);
Json to_json(const Workload &workload);
Json to_json(const Plan &plan);
Json to_json(const Ceilings &ceilings);
Json to_json(const DeviceInfo &device);

Result<Workload> workload_from_json(const Json &json);
Result<Plan> plan_from_json(const Json &json);
Result<Ceilings> ceilings_from_json(const Json &json);
Result<DeviceInfo> device_from_json(const Json &json);

// Text to JSON; an error where the text is none. Never throws.
Result<Json> parse_json(std::string_view text, std::string_view of_what);
// One line. Never throws: bytes that are not UTF-8 become U+FFFD, NaN and infinity null.
std::string dump_json(const Json &json);

} // namespace moescope
