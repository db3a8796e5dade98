#include "profiler/sweep/axis.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using Values = std::vector<std::string>;

namespace {

Values values_of(std::string_view text) {
    const auto axis = parse_axis(text);
    CAPTURE(text);
    REQUIRE(axis.ok());
    return axis->values;
}

std::string refusal(std::string_view text) {
    const auto axis = parse_axis(text);
    return axis.ok() ? "none" : axis.error().sentence();
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("an axis is values, and ranges that multiply or add up to their end") {
    CHECK(values_of("tokens=1,8,64") == Values{"1", "8", "64"});
    CHECK(values_of("tokens=1..10:x2") == Values{"1", "2", "4", "8"});
    CHECK(values_of("rank=0,16..64:+16") == Values{"0", "16", "32", "48", "64"});
    CHECK(values_of("top-k=2") == Values{"2"});
    CHECK(values_of("skew=uniform,zipf:1.2,hot:0.5") == Values{"uniform", "zipf:1.2", "hot:0.5"});
    CHECK(values_of("seed=9223372036854775807..9223372036854775807:x2").size() == 1); // and no further
}

TEST_CASE("an axis that cannot be read says what is wrong and what may be") {
    CHECK(has(refusal("tokens"), "a parameter and its values"));
    CHECK(has(refusal("tokn=1"), "axis \"tokn\" is unknown: it may be tokens, rank, top_k"));
    CHECK(has(refusal("tokens=1,,2"), "single commas"));
    CHECK(has(refusal("tokens="), "single commas"));
    CHECK(has(refusal("tokens=many"), "tokens is \"many\": it must be a whole number"));
    CHECK(has(refusal("tokens=1.5"), "a whole number"));
    CHECK(has(refusal("rank=4294967296"), "a whole number")); // beyond its type
    CHECK(has(refusal("tokens=1,2,1"), "tokens has 1 twice"));
    CHECK(has(refusal("skew=zipf:9"), "out of range"));
    CHECK(has(refusal("quant=nf5"), "nf4"));
    for (const char *range : {"5..1", "5..1:+1", "64..1:x2"})
        CHECK(has(refusal(std::string("tokens=") + range), "the end of the range is below its start"));
    for (const char *range : {"1..5", "1..5:2", "1..5:x1", "0..5:x2", "1..5:+0", "..5:x2", "1..:x2"}) {
        CAPTURE(range);
        CHECK(has(refusal(std::string("tokens=") + range), "a range like 1..64:x2"));
    }
}

TEST_CASE("axes expand into every combination, the last one fastest") {
    const SweepAxis axes[] = {*parse_axis("tokens=1,8"), *parse_axis("rank=0,16,32")};
    const auto points = expand(Workload{}, axes);
    REQUIRE(points.ok());
    REQUIRE(points->size() == 6);
    CHECK((*points)[0].label == "tokens 1, rank 0");
    CHECK((*points)[1].label == "tokens 1, rank 16");
    CHECK((*points)[5].workload.tokens == 8);
    CHECK((*points)[5].workload.lora_rank == 32);
    CHECK(expand(Workload{}, {})->size() == 1);
}

TEST_CASE("a point that cannot be keeps its reason and leaves the others alone") {
    Workload base;
    base.model.name = "Mixtral-8x7B";
    const SweepAxis axes[] = {*parse_axis("top_k=2,9,4"), *parse_axis("experts=8,16")};
    const auto points = expand(base, axes);
    REQUIRE(points.ok());
    CHECK((*points)[0].status.ok());
    CHECK_FALSE((*points)[2].status.ok()); // 9 of 8
    CHECK((*points)[3].status.ok());       // 9 of 16
    CHECK((*points)[4].status.ok());
    CHECK((*points)[0].workload.model.name == "Mixtral-8x7B");
    CHECK((*points)[1].workload.model.name == "Mixtral-8x7B (changed)");
}

TEST_CASE("a sweep of too many points is refused, however they come about") {
    CHECK(has(refusal("tokens=1..100000:+1"), "more than 512 points"));
    const SweepAxis axes[] = {*parse_axis("tokens=1..30:+1"), *parse_axis("rank=1..30:+1")};
    const auto points = expand(Workload{}, axes);
    REQUIRE_FALSE(points.ok());
    CHECK(has(points.error().sentence(), "more than 512 points"));
    const SweepAxis twice[] = {*parse_axis("tokens=1"), *parse_axis("tokens=2")};
    CHECK(has(expand(Workload{}, twice).error().sentence(), "axis tokens is given twice"));
}

TEST_CASE("every parameter of a sweep reads back what it wrote, and its example is an axis") {
    for (const SweepParameter &parameter : sweep_parameters()) {
        CAPTURE(parameter.name);
        const auto axis = parse_axis(parameter, parameter.example);
        REQUIRE(axis.ok());
        CHECK(axis->values.size() >= 2);
        for (const std::string &value : axis->values) {
            Workload workload;
            REQUIRE(parameter.set(workload, value).ok());
            CHECK(parameter.get(workload) == value);
            CHECK(parameter.number(workload).has_value() == (parameter.whole || parameter.name == "skew"));
        }
    }
}
