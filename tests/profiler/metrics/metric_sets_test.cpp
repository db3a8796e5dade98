#include "profiler/metrics/metric_sets.h"

#include "profiler/metrics/metric_search.h"
#include "profiler/worker/metric_answers.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

MetricSets shipped() { return load_metric_sets(MOESCOPE_ASSETS "/metrics.json").value(); }

std::string load_text(const std::string &text) {
    const TemporaryFolder folder;
    const auto path = folder / "metrics.json";
    std::ofstream(path) << text;
    const auto loaded = load_metric_sets(path);
    return loaded ? "" : loaded.error().sentence();
}

} // namespace

TEST_CASE("a metric's first alternative that the chip offers is read, each once, and the rest is missing") {
    CHECK(alternatives("a.sum") == std::vector<std::string>{"a.sum"});
    CHECK(alternatives("a.sum|b.sum") == std::vector<std::string>{"a.sum", "b.sum"});
    CHECK(alternatives("|a.sum||").size() == 1);
    CHECK(alternatives("").empty());
    const auto offers = [](const std::string &name) { return name == "b.sum" || name == "c.sum"; };
    const ResolvedMetrics resolved = resolve_metrics({"a.sum|b.sum", "b.sum", "c.sum|b.sum", "x.sum|y.sum", "x.sum|y.sum"}, offers);
    CHECK(resolved.readable == std::vector<std::string>{"b.sum", "c.sum"});
    CHECK(resolved.missing == std::vector<std::string>{"x.sum|y.sum"});
}

TEST_CASE("sets, ids and CUPTI's own names stand together in one list") {
    const MetricSets sets = shipped();
    const auto basic = metrics_named(sets, {"basic"});
    REQUIRE(basic);
    CHECK(basic->size() == sets.find_set("basic")->metrics.size());
    const auto more = metrics_named(sets, {"basic", "l2_hit", "sm__inst_executed.sum", "basic"});
    REQUIRE(more);
    CHECK(more->size() == basic->size() + 2);
    CHECK(more->back() == "sm__inst_executed.sum");
    const auto wrong = metrics_named(sets, {"basics"});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().why == "the sets are basic, memory, stalls, all, sampling");
}

TEST_CASE("values are written in their metric's unit, by whichever name the chip read it") {
    const MetricSets sets = shipped();
    CHECK(sets.title("dram__bytes_read.sum") == "DRAM read");
    CHECK(sets.title("dram__bytes_op_read.sum") == "DRAM read");
    CHECK(sets.title("made__up.sum") == "made__up.sum");
    CHECK(sets.value_text("dram__bytes_op_read.sum", 1.5e9) == "1.50 GB");
    CHECK(sets.value_text("gpu__time_duration.sum", 4210) == "4.21 µs");
    CHECK(sets.value_text("lts__t_sector_hit_rate.pct", 61.25) == "61.2 %");
    CHECK(sets.value_text("made__up.sum", 16384) == "16,384");
    CHECK(sets.value_text("sm__inst_executed.sum", 589824) == "589,824 instructions");
    CHECK(sets.value_text("lts__t_sectors.sum", 4096) == "4,096 sectors");
    CHECK(sets.value_text("dram__bytes_read.sum.per_second", 4.67e12) == "4.67 TB/s");
    CHECK(sets.value_text("lts__t_sector_hit_rate.pct", std::nan("")) == "not defined");
}

TEST_CASE("a file of metrics that a person broke is refused with the entry's name") {
    const std::string metric = R"("metrics": {"a": {"names": ["a.sum"], "title": "A", "unit": "", "explain": "a"}})";
    CHECK(load_text("{" + metric + R"(, "sets": []})").empty());
    CHECK(load_text("[]") != "");
    CHECK(load_text(R"({"metrics": {}})").find("\"sets\"") != std::string::npos);
    CHECK(load_text(R"({"metrics": {"a": {"names": []}}, "sets": []})").find("metric \"a\" has no \"names\"") != std::string::npos);
    CHECK(load_text(R"({"metrics": {"a": 3}, "sets": []})").find("metric \"a\"") != std::string::npos);
    CHECK(load_text("{" + metric + R"(, "sets": [{"name": "s", "title": "S", "explain": "s", "metrics": ["b"]}]})")
              .find("set \"s\" names the metric \"b\"") != std::string::npos);
}

TEST_CASE("a search finds every word in name or description, names first") {
    const std::vector<MetricInfo> catalogue = {{"dram__bytes", MetricKind::Counter, "bytes in DRAM", "byte", "dram"},
                                               {"lts__t_bytes", MetricKind::Counter, "of DRAM and more", "byte", "lts"},
                                               {"sm__warps", MetricKind::Counter, "warps", "warp", "sm"}};
    const auto names = [&](std::string_view text) {
        std::string found;
        for (const MetricInfo *metric : search_metrics(catalogue, text))
            found += metric->name + " ";
        return found;
    };
    CHECK(names("") == "dram__bytes lts__t_bytes sm__warps ");
    CHECK(names("BYTES dram") == "dram__bytes lts__t_bytes ");
    CHECK(names("more") == "lts__t_bytes ");
    CHECK(names("nothing").empty());
}

#ifdef MOESCOPE_CUDA
TEST_CASE("every set of counters can be read on every chip we name, in the passes stated here") {
    struct Chip {
        const char *name;
        int basic, memory, stalls, all, missing; // missing: of the stalls
    };
    const MetricSets sets = shipped();
    for (const Chip &chip : {Chip{"GH100", 1, 2, 7, 14, 0}, Chip{"AD102", 1, 2, 6, 11, 1}, Chip{"GB100", 1, 2, 6, 13, 2},
                             Chip{"GB202", 1, 2, 7, 14, 2}, Chip{"GA100", 1, 2, 6, 11, 1}}) {
        INFO(chip.name);
        const auto ask = [&](const char *set) {
            return answer_metrics({chip.name, "", sets.wanted(*sets.find_set(set)), false});
        };
        const MetricsAnswer basic = ask("basic"), memory = ask("memory"), stalls = ask("stalls"), all = ask("all");
        CHECK(basic.error == Error{});
        CHECK(basic.passes == chip.basic);
        CHECK(basic.missing.empty());
        CHECK(memory.passes == chip.memory);
        CHECK(memory.missing.empty());
        CHECK(stalls.passes == chip.stalls);
        CHECK(int(stalls.missing.size()) == chip.missing);
        CHECK(all.passes == chip.all);
        CHECK(all.missing == stalls.missing);
    }
}

TEST_CASE("the catalogue of a chip without that chip: names, descriptions, and readable with their usual suffix") {
    const MetricsAnswer answer = answer_metrics({"GH100", "", {}, true});
    REQUIRE(answer.error == Error{});
    CHECK(answer.catalogue.size() > 3000);
    CHECK(answer.passes == 0);
    CHECK(std::ranges::is_sorted(answer.catalogue, {}, &MetricInfo::name));
    std::vector<std::string> some;
    for (std::size_t i = 0; i < answer.catalogue.size(); i += 97)
        some.push_back(readable_name(answer.catalogue[i]));
    CHECK(answer_metrics({"GH100", "", some, false}).missing.empty());
    const MetricsAnswer wrong = answer_metrics({"GH100", "", {"sm__cycles_active", "sm__cycles_active.bogus", "no__such.sum", ""}, false});
    CHECK(wrong.readable.empty());
    CHECK(wrong.passes == 0);
    CHECK(answer_metrics({"XX999", "", {}, true}).error.what == "chip is \"XX999\"");
}
#endif
