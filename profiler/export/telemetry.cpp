#include "profiler/export/exporters.h"
#include "profiler/export/replace_file.h"
#include "profiler/session/json_codec.h"
#include "profiler/session/record_names.h"
#include "profiler/workload/cost.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <tuple>

namespace moescope {

namespace {

constexpr int kTelemetryVersion = 1;

// One tuned kernel: the candidates of one run, operator and variant.
using KernelKey = std::tuple<std::uint32_t, OperatorId, std::string>;

Json candidate_json(const Candidate &c) {
    Json json = {{"tile", to_json(c.config)}, {"fate", name_of(c.fate)}};
    if (!c.reason.empty())
        json["reason"] = c.reason;
    json["resources"] = {{"registers", c.registers},
                         {"spill_bytes", c.spill_bytes},
                         {"smem_bytes", c.smem_bytes},
                         {"threads", c.threads},
                         {"blocks_per_sm", c.blocks_per_sm}};
    json["compile_ms"] = c.compile_ms;
    json["from_cache"] = c.from_cache;
    const bool timed = c.fate == Candidate::Fate::Timed || c.fate == Candidate::Fate::Best;
    json["median_ns"] = timed ? Json(c.time.median) : Json(nullptr);
    json["samples"] = c.time.samples;
    return json;
}

Json key_json(const RunRecord &run, OperatorId op, const std::string &variant) {
    const Workload &workload = run.plan.workload;
    const WeightSize weight = weight_size(workload.model, op);
    return {{"operator", info(op).name},
            {"variant", variant},
            {"model", workload.model.name},
            {"tokens", workload.tokens},
            {"E", workload.model.experts},
            {"top_k", workload.model.top_k},
            {"K", weight.k},
            {"N", weight.n},
            {"R", workload.lora_rank},
            {"dtype", name_of(workload.model.dtype)},
            {"arch", run.device.arch}};
}

Json kernel_json(const Session &session, const KernelKey &key,
                 const std::vector<const Candidate *> &candidates) {
    const auto &[run_id, op, variant] = key;
    const RunRecord none;
    const RunRecord &run = run_id < session.runs.size() ? session.runs[run_id] : none;
    Json json = {{"name", std::string(info(op).name) + "/" + variant},
                 {"run", run_id},
                 {"device", run.device.id},
                 {"key", key_json(run, op, variant)},
                 {"chosen", nullptr},
                 {"candidates", Json::array()}};
    for (const Candidate *candidate : candidates) {
        json["candidates"].push_back(candidate_json(*candidate));
        if (candidate->fate == Candidate::Fate::Best)
            json["chosen"] = {{"tile", to_json(candidate->config)},
                              {"median_ns", candidate->time.median}};
    }
    return json;
}

} // namespace

void write_telemetry(const Session &session, std::ostream &out) {
    std::map<KernelKey, std::vector<const Candidate *>> kernels;
    for (const Candidate &candidate : session.candidates)
        kernels[{candidate.run.value, candidate.op, candidate.variant}].push_back(&candidate);

    Json document = {{"schema", "moescope.autotune"},
                     {"schema_version", kTelemetryVersion},
                     {"app_version", session.app_version},
                     {"devices", Json::array()},
                     {"kernels", Json::array()}};
    for (const RunRecord &run : session.runs) {
        Json device = to_json(run.device);
        auto &devices = document["devices"];
        if (std::find(devices.begin(), devices.end(), device) == devices.end())
            devices.push_back(std::move(device));
    }
    for (const auto &[key, candidates] : kernels)
        document["kernels"].push_back(kernel_json(session, key, candidates));
    out << document.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
}

Status export_telemetry(const Session &session, const std::filesystem::path &path) {
    return replace_file(path, Compression::None,
                        [&](std::ostream &out) { write_telemetry(session, out); });
}

} // namespace moescope
