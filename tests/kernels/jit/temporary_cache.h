// A cubin cache of a test's own: an empty folder that $MOESCOPE_CACHE_DIR points at while it lives.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>

namespace moescope::test {

class TemporaryCache {
  public:
    TemporaryCache()
        : folder_(std::filesystem::temp_directory_path() /
                  ("moescope-cache-" + std::to_string(std::random_device{}()))) {
        std::filesystem::create_directories(folder_);
        if (const char *value = std::getenv(kVariable))
            before_ = value;
        point_at(folder_);
    }
    ~TemporaryCache() {
        if (before_.empty())
            unsetenv(kVariable);
        else
            setenv(kVariable, before_.c_str(), 1);
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    TemporaryCache(const TemporaryCache &) = delete;
    TemporaryCache &operator=(const TemporaryCache &) = delete;

    const std::filesystem::path &folder() const { return folder_; }
    void point_at(const std::filesystem::path &folder) const {
        setenv(kVariable, folder.c_str(), 1);
    }

  private:
    static constexpr const char *kVariable = "MOESCOPE_CACHE_DIR";
    std::filesystem::path folder_;
    std::string before_;
};

} // namespace moescope::test
