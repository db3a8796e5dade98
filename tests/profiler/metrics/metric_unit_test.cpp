#include "profiler/metrics/metric_unit.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("a metric's unit follows from its name") {
    CHECK(metric_unit("dram__bytes_read.sum") == "bytes");
    CHECK(metric_unit("dram__bytes.sum.per_second") == "bytes/s");
    CHECK(metric_unit("gpu__time_duration.sum") == "ns");
    CHECK(metric_unit("sm__cycles_active.avg.pct_of_peak_sustained_elapsed") == "%");
    CHECK(metric_unit("lts__t_sector_hit_rate.pct") == "%");
    CHECK(metric_unit("smsp__average_warps_issue_stalled_barrier_per_issue_active.ratio") ==
          "ratio");
    CHECK(metric_unit("sm__inst_executed_pipe_tensor.sum") == "instructions");
    CHECK(metric_unit("sm__warps_active.avg.per_cycle_active") == "warps/cycle");
    CHECK(metric_unit("something") == "count");
    CHECK(metric_unit("") == "count");
}
