// A repetition's counters are the same wherever they are read: what the range's own start and end add is
// in none of them.
#include "app/cli/compare_text.h"
#include "app/cli/json_output.h"
#include "profiler/base/units.h"
#include "profiler/compare/comparison.h"
#include "profiler/explain/counters.h"
#include "profiler/export/exporters.h"
#include "profiler/session/session_file.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

using namespace moescope;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

const char *const kDuration = "gpu__time_duration.sum";
const char *const kActive = "sm__cycles_active.avg.pct_of_peak_sustained_elapsed";

Session recorded() {
    auto session = read_session(MOESCOPE_ASSETS "/sessions/OLMoE-1B-7B.moescope");
    REQUIRE(session.ok());
    return std::move(*session);
}

MeasurementId find(const Session &session, OperatorId op, const char *variant) {
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (session.measurements[i].op == op && session.measurements[i].variant == variant)
            return {i};
    return {};
}

struct Expected {
    double duration = 0, active = 0;
};
// The kernels' sum and its mean over time, from the records alone.
Expected of_kernels(const Session &session, MeasurementId id) {
    std::map<std::int32_t, Expected> kernels;
    for (const CounterRecord &record : session.counters)
        if (record.measurement == id && record.kernel >= 0) {
            if (session.name(record.metric) == kDuration)
                kernels[record.kernel].duration = record.value;
            if (session.name(record.metric) == kActive)
                kernels[record.kernel].active = record.value;
        }
    Expected sum;
    for (const auto &[place, kernel] : kernels) {
        sum.duration += kernel.duration;
        sum.active += kernel.active * kernel.duration;
    }
    sum.active /= sum.duration;
    return sum;
}

const std::pair<OperatorId, const char *> kMeasured[] = {
    {OperatorId::SoftmaxTopk, "warp_select"}, {OperatorId::GateUp, "extra_k"}, {OperatorId::GateUp, "split"}};

} // namespace

TEST_CASE("compare takes a repetition's counters from its kernels", "[counters]") {
    const Session session = recorded();
    const Comparison found = compare_sessions({session, {}, {}}, {session, {}, {}}, {});
    for (const auto &[op, variant] : kMeasured) {
        const MeasurementId id = find(session, op, variant);
        const Expected expected = of_kernels(session, id);
        const auto row = std::ranges::find(found.rows, id, &ComparedRow::a);
        REQUIRE(row != found.rows.end());
        for (const auto &[name, value] : {std::pair{kDuration, expected.duration}, {kActive, expected.active}}) {
            const auto quantity = std::ranges::find(row->quantities, name, &ComparedQuantity::name);
            REQUIRE(quantity != row->quantities.end());
            CHECK(quantity->a == Approx(value));
            CHECK(quantity->b == Approx(value));
        }
    }
}

TEST_CASE("exported counters of a repetition are its kernels'", "[counters]") {
    const Session session = recorded();
    const test::TemporaryFolder folder;
    REQUIRE(export_csv(session, folder.path()).ok());
    const std::string csv = test::read_bytes(folder / "counters.csv");
    std::ostringstream text;
    write_chrome_trace(session, text);
    const json trace = json::parse(text.str()), run = json::parse(cli::run_json(session, {0}));
    for (const auto &[op, variant] : kMeasured) {
        const MeasurementId id = find(session, op, variant);
        const Expected expected = of_kernels(session, id);
        CAPTURE(info(op).name, variant);
        std::istringstream lines(csv);
        const std::string begin = fmt::format("{},{},{},-1,,{},", id.value, info(op).name, variant, kDuration);
        double in_csv = 0;
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with(begin))
                in_csv = std::stod(line.substr(begin.size()));
        CHECK(in_csv == Approx(expected.duration));

        double in_json = 0;
        for (const json &counter : run["measurements"][id.value]["counters"])
            if (counter["kernel"].is_null() && counter["metric"] == kDuration) {
                in_json = counter["value"];
                CHECK(counter["unit"] == "ns");
            }
        CHECK(in_json == Approx(expected.duration));

        std::size_t in_trace = 0;
        for (const json &event : trace["traceEvents"])
            if (event.value("cat", "") == "cuda_profiler_range" &&
                event["name"] == fmt::format("{} / {}", info(op).name, variant)) {
                ++in_trace;
                CHECK(event["args"][kDuration].get<double>() == Approx(expected.duration));
                CHECK(event["args"][kActive].get<double>() == Approx(expected.active));
            }
        CHECK(in_trace == 1);
    }
    // Nothing that bears a kernel's name counts more than the kernel.
    for (const json &event : trace["traceEvents"])
        if (event.value("cat", "") == "cuda_profiler_range" && event["name"] == "softmax_topk / warp_select")
            CHECK(event["args"][kDuration].get<double>() < 10'000);
}

TEST_CASE("compare's text and JSON give counters their unit", "[counters]") {
    const Session session = recorded();
    const auto of = [&](const char *variant) {
        return of_kernels(session, find(session, OperatorId::GateUp, variant));
    };
    const ComparedSide a{session, {}, "split"}, b{session, {}, "extra_k"};
    const Comparison found = compare_sessions(a, b, {.operators = {OperatorId::GateUp}});
    const std::string text = cli::comparison_table(a, b, found);
    CHECK_THAT(text, ContainsSubstring(fmt::format("{}: {} → {} (", kDuration, format_duration_ns(of("split").duration),
                                                   format_duration_ns(of("extra_k").duration))));
    CHECK_THAT(text, ContainsSubstring(fmt::format("{}: {:.1f} % → {:.1f} % (", kActive, of("split").active,
                                                   of("extra_k").active)));
    CHECK_THAT(text, ContainsSubstring("dram__bytes_op_read.sum: ") || ContainsSubstring("dram__bytes_read.sum: "));
    CHECK_THAT(text, !ContainsSubstring("e+"));
    for (const json &row : json::parse(cli::comparison_json(a, b, found))["rows"])
        for (const json &quantity : row["quantities"])
            CHECK(quantity["unit"].is_string());
}
