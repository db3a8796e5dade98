#include "profiler/tune/known_ceilings.h"

#include "profiler/base/json_reason.h"
#include "profiler/session/json_codec.h"
#include "profiler/tune/cache_file.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
#include <utility>

namespace moescope {

namespace {

constexpr int kFormat = 1;

std::string key_of(const DeviceInfo &device) { return device.name + "|" + device.driver; }

Ceilings checked(const Json &json) {
    const Result<Ceilings> ceilings = ceilings_from_json(json);
    if (!ceilings)
        throw std::runtime_error(ceilings.error().sentence());
    return *ceilings;
}

} // namespace

std::filesystem::path KnownCeilings::default_path() { return cache_file("ceilings.json"); }

KnownCeilings::KnownCeilings(std::filesystem::path path) : path_(std::move(path)) { read(); }

void KnownCeilings::read() {
    std::ifstream file(path_);
    if (!file)
        return;
    try {
        const Json json = Json::parse(file);
        if (json.at("format") != kFormat)
            throw std::runtime_error("its format is another version's");
        std::map<std::string, Ceilings> entries;
        for (const auto &[key, entry] : json.at("devices").items())
            entries[key] = checked(entry);
        entries_ = std::move(entries);
    } catch (const std::exception &error) {
        complaint_ = fmt::format("{} is ignored: {}", path_.string(), json_reason(error));
    }
}

Ceilings KnownCeilings::find(const DeviceInfo &device) const {
    const auto found = entries_.find(key_of(device));
    return found == entries_.end() ? Ceilings{} : found->second;
}

Status KnownCeilings::store(const DeviceInfo &device) {
    read(); // another worker may have written since
    const Ceilings measured = with_measured({}, device.ceilings);
    entries_[key_of(device)] = with_measured(measured, find(device));
    if (path_.empty())
        return Error{"the ceilings are not kept for other workers", "there is no cache folder", "set MOESCOPE_CACHE_DIR"};
    Json devices = Json::object();
    for (const auto &[key, ceilings] : entries_)
        devices[key] = to_json(ceilings);
    return write_cache_file(path_, Json{{"format", kFormat}, {"devices", devices}}.dump(2) + '\n');
}

} // namespace moescope
