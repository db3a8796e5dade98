// The sweeps that a session holds, however its runs came about: runs that differ in one parameter.
#pragma once

#include "profiler/session/session.h"
#include "profiler/sweep/axis.h"
#include "profiler/sweep/steps.h"

#include <string>
#include <vector>

namespace moescope {

struct FoundSweep {
    const SweepParameter *parameter = nullptr;
    bool numeric = true; // else the values are words, in the order of their first run
    struct Point {
        double x = 0; // the parameter, or the place of the word
        std::string value;
        std::vector<RunId> runs; // of this value, in order
    };
    std::vector<Point> points; // x rising, at least two
    std::string held;          // what tells it from other sweeps: "Mixtral-8x7B, 2,048 tokens, ..."
};

// Those of most points first. Runs belong together that were asked for on one device with one cache
// state, with workloads that are the same but for the parameter (and the model's name, which a
// changed shape changes).
std::vector<FoundSweep> find_sweeps(const Session &session);

// One operator and variant along a sweep: at each point the last measurement that is done.
struct SweepLine {
    OperatorId op = OperatorId::SoftmaxTopk;
    std::string variant;
    struct Point {
        std::size_t at = 0; // of the sweep's points
        MeasurementId id;
    };
    std::vector<Point> points;
    std::vector<Step> steps; // indices into points; none where the values are words
};
// In the order of operators and their variants.
std::vector<SweepLine> sweep_lines(const Session &session, const FoundSweep &sweep);

// "gate_up/fused takes 1.90× from tokens 64 to 128; the trend around it explains 1.20×"
std::string sentence_of(const FoundSweep &sweep, const SweepLine &line, const Step &step);

} // namespace moescope
