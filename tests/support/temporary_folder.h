// A folder, and an environment, of a test's own that go when the test does.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace moescope::test {

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "moescope-test-XXXXXX").string();
        if (mkdtemp(name.data()))
            path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;

    std::filesystem::path operator/(const std::string &name) const { return path_ / name; }
    const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// An environment variable that is as before when the test is over.
class Environment {
  public:
    Environment(std::string name, const std::string &value) : name_(std::move(name)) {
        if (const char *before = std::getenv(name_.c_str()))
            before_ = before;
        setenv(name_.c_str(), value.c_str(), 1);
    }
    ~Environment() {
        if (before_)
            setenv(name_.c_str(), before_->c_str(), 1);
        else
            unsetenv(name_.c_str());
    }
    Environment(const Environment &) = delete;
    Environment &operator=(const Environment &) = delete;

  private:
    std::string name_;
    std::optional<std::string> before_;
};

inline std::string read_bytes(const std::filesystem::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_bytes(const std::filesystem::path &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}
// A program for a test's PATH.
inline void write_program(const std::filesystem::path &path, const std::string &shell_script) {
    write_bytes(path, "#!/bin/sh\n" + shell_script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

} // namespace moescope::test
