// The ceilings that were measured on request, kept on disk: ceilings.json (cache_file.h).
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/records.h"

#include <filesystem>
#include <map>
#include <string>

namespace moescope {

class KnownCeilings {
  public:
    static std::filesystem::path default_path();

    // Reads the file if there is one. A broken one counts as empty: `complaint` says so.
    explicit KnownCeilings(std::filesystem::path path);
    const std::string &complaint() const { return complaint_; }

    // What was measured on devices of this name with this driver; nothing measured: none was.
    Ceilings find(const DeviceInfo &device) const;
    // Remembers the device's measured ceilings (those derived are not kept) and writes the file.
    Status store(const DeviceInfo &device);

  private:
    void read();

    std::filesystem::path path_;
    std::map<std::string, Ceilings> entries_;
    std::string complaint_;
};

} // namespace moescope
