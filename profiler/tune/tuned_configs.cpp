#include "profiler/tune/tuned_configs.h"

#include "profiler/base/json_reason.h"
#include "profiler/tune/cache_file.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <bit>
#include <fstream>
#include <utility>

namespace moescope {

namespace {

using Json = nlohmann::ordered_json;
constexpr int kFormat = 1;

Json to_json(const TileConfig &config) {
    return {{"block_m", config.block_m},
            {"block_n", config.block_n},
            {"block_k", config.block_k},
            {"warps", config.warps},
            {"stages", config.stages}};
}

TileConfig config_from(const Json &json) {
    return {json.at("block_m"), json.at("block_n"), json.at("block_k"), json.at("warps"), json.at("stages")};
}

} // namespace

std::string tuning_key(const Workload &workload, OperatorId op, std::string_view variant, std::string_view device,
                       std::string_view kernels_version) {
    const WeightSize size = weight_size(workload.model, op);
    const int token_bucket = std::bit_width(static_cast<std::uint64_t>(workload.tokens)) - 1;
    return fmt::format("{}|{}|E{}|K{}|N{}|R{}|{}|T2^{}|k{}|{}|{}", info(op).name, variant, workload.model.experts, size.k,
                       size.n, variant == "base" ? 0 : workload.lora_rank, name_of(workload.model.dtype), token_bucket,
                       workload.model.top_k, device, kernels_version);
}

std::filesystem::path TunedConfigs::default_path() { return cache_file("tuned.json"); }

TunedConfigs::TunedConfigs(std::filesystem::path path) : path_(std::move(path)) { read(); }

void TunedConfigs::read() {
    std::ifstream file(path_);
    if (!file)
        return;
    try {
        const Json json = Json::parse(file);
        if (json.at("format") != kFormat)
            throw std::runtime_error("its format is another version's");
        std::map<std::string, Entry> entries;
        for (const auto &[key, entry] : json.at("configs").items())
            entries[key] = {config_from(entry), entry.at("median_ns")};
        entries_ = std::move(entries);
    } catch (const std::exception &error) {
        complaint_ = fmt::format("{} is ignored: {}", path_.string(), json_reason(error));
    }
}

std::optional<TunedConfigs::Entry> TunedConfigs::entry(const std::string &key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<TileConfig> TunedConfigs::find(const std::string &key) const {
    const std::optional<Entry> found = entry(key);
    return found ? std::optional(found->config) : std::nullopt;
}

std::optional<TunedChoice> fastest_tuned(const TunedConfigs &tuned, const Workload &workload, OperatorId op,
                                         std::string_view device, std::string_view kernels_version) {
    std::optional<TunedChoice> fastest;
    for (const VariantInfo &variant : info(op).variants) {
        if (!variant.lora || variant.when_named)
            continue;
        const auto entry = tuned.entry(tuning_key(workload, op, variant.name, device, kernels_version));
        if (entry && (!fastest || entry->median_ns < fastest->median_ns))
            fastest = {variant.name, entry->config, entry->median_ns};
    }
    return fastest;
}

Status TunedConfigs::store(const std::string &key, const TileConfig &best, double median_ns) {
    read(); // another worker may have written since
    entries_[key] = {best, median_ns};
    if (path_.empty())
        return Error{"the tuned configuration is not kept", "there is no cache folder", "set MOESCOPE_CACHE_DIR"};
    return write();
}

Status TunedConfigs::write() const {
    Json configs = Json::object();
    for (const auto &[key, entry] : entries_) {
        configs[key] = to_json(entry.config);
        configs[key]["median_ns"] = entry.median_ns;
    }
    return write_cache_file(path_, Json{{"format", kFormat}, {"configs", configs}}.dump(2) + '\n');
}

} // namespace moescope
