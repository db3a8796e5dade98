// The window's own drawings in a report, in both themes at once.
#pragma once

#include "profiler/crossover/map.h"
#include "profiler/session/session.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace moescope::report {

class WindowPlots {
  public:
    // Draws them, in an ImGui context of its own.
    explicit WindowPlots(const Session &session);

    // The first plot of a view about a run; "" where the session has nothing for it.
    std::string of_run(const char *view, RunId run) const;

    struct Crossover {
        CrossoverMap map;
        std::string svg;
    };
    // The largest map of each operator.
    const std::vector<Crossover> &crossovers() const { return crossovers_; }

    // CSS: what the drawings' colours are in each theme.
    std::string style() const;

  private:
    std::string variable(const std::string &light, const std::string &dark);
    std::string merged(const std::string &light, const std::string &dark);

    std::map<std::pair<std::string, RunId>, std::string> of_runs_;
    std::vector<Crossover> crossovers_;
    std::map<std::pair<std::string, std::string>, std::size_t> colours_; // light and dark, their number
    std::size_t drawings_ = 0;
};

} // namespace moescope::report
