// The best tile configurations found so far, kept on disk: tuned.json (cache_file.h).
#pragma once

#include "profiler/base/result.h"
#include "profiler/plan/plan.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace moescope {

// What a configuration is the best for: tokens count by their power of two.
std::string tuning_key(const Workload &workload, OperatorId op, std::string_view variant, std::string_view device,
                       std::string_view kernels_version);

class TunedConfigs;

// The fastest of an operator's LoRA variants, of those that were tuned; nullopt where none was.
struct TunedChoice {
    std::string_view variant;
    TileConfig config;
    double median_ns = 0;
};
std::optional<TunedChoice> fastest_tuned(const TunedConfigs &tuned, const Workload &workload, OperatorId op,
                                         std::string_view device, std::string_view kernels_version);

class TunedConfigs {
  public:
    // Where they belong on this machine; empty where there is no home.
    static std::filesystem::path default_path();

    // Reads the file if there is one. A broken one counts as empty: `complaint` says so.
    explicit TunedConfigs(std::filesystem::path path);
    const std::string &complaint() const { return complaint_; }

    struct Entry {
        TileConfig config;
        double median_ns = 0;
    };
    std::optional<Entry> entry(const std::string &key) const;
    std::optional<TileConfig> find(const std::string &key) const;
    // Remembers the best and writes the file (PATH.tmp, then renamed). What other processes added
    // meanwhile is kept.
    Status store(const std::string &key, const TileConfig &best, double median_ns);

  private:
    void read();
    Status write() const;

    std::filesystem::path path_;
    std::map<std::string, Entry> entries_;
    std::string complaint_;
};

} // namespace moescope
