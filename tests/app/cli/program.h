// Runs the built program and keeps what it said.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace moescope {

struct Answer {
    int code = -1; // the exit code; 128 + the signal that ended it
    std::string out, err;
};

// moescope with these arguments; standard input is empty and the display is taken away.
Answer run_moescope(const std::vector<std::string> &arguments);

// Several of them at once, each with variables of its own: as a launcher starts ranks.
struct Start {
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::string> arguments;
};
std::vector<Answer> run_together(const std::vector<Start> &starts);

// One of them is killed as soon as another has said something on standard error.
struct Kill {
    std::size_t which = 0, who_says = 0;
    std::string what;
};
std::vector<Answer> run_together(const std::vector<Start> &starts, const Kill &kill);

// A folder that is gone when the test ends.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    std::string operator/(const std::string &name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

} // namespace moescope
