// The figures of the window: what was measured against what is wanted.
#pragma once

#include "tests/benchmarks/json.h"
#include "tests/benchmarks/window/frames.h"

#include <string>
#include <vector>

namespace moescope::bench {

struct Figure {
    std::string name, unit;
    double value = 0, wanted = 0;
    bool at_least = false; // wanted is the least, not the most
    std::string note;
    bool met() const { return at_least ? value >= wanted : value <= wanted; }
};

struct Report {
    std::string date, machine, build;
    std::int64_t kernels = 0, records = 0, file_bytes = 0, resident_bytes = 0;
    int width = 0, height = 0;
    std::vector<Figure> figures;
    std::vector<ViewCost> views, moments;

    std::string markdown() const;
    std::string json() const;
};

std::string machine_text(); // the CPU's name and how many there are
std::string build_text();   // compiler, build type and its options

} // namespace moescope::bench
