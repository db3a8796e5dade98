// The rows of the table, as data.
#pragma once

#include "profiler/workload/cost.h"
#include "tests/benchmarks/device.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moescope::bench {

// Something a row could run as: a variant and a tile, and how long it took when it was tried.
struct Choice {
    std::string variant, text;
    double ns = 0;       // 0: never timed
    std::string refused; // why it cannot run, where it cannot
    bool left_out = false; // the race's time was up
};

// A row made ready: inputs in device memory, the best tile found.
struct Case {
    int sets = 1;
    Launch launch;
    Cost cost; // the least the operator must do, for these inputs
    std::vector<Cost> parts; // of a sequence: each has its own floor
    std::string config;
    std::vector<Choice> tried;
    std::shared_ptr<void> holds; // what the launches use
};

struct Row {
    std::string op, shape, pass;
    double target_us = 0; // 0: none
    double peer_us = 0;   // the best of the published ones; 0: none
    std::string peer = {};
    // config: "" to choose the best, else the text of one, as a Case has it.
    std::function<Case(const std::string &config)> make;

    std::string name() const { return op + " / " + shape + " / " + pass; }
};

// A family each.
std::vector<Row> routing_rows();
std::vector<Row> grouped_rows();
std::vector<Row> training_rows();
std::vector<Row> layer_rows();
std::vector<Row> router_rows();
std::vector<Row> dequant_rows();
std::vector<Row> logprob_rows();

} // namespace moescope::bench
