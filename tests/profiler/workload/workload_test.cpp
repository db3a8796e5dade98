#include "profiler/workload/workload.h"

#include <catch2/catch_test_macros.hpp>

#include <limits>

using namespace moescope;

namespace {

Workload valid() {
    Workload workload;
    workload.model.name = "Mixtral-8x7B";
    return workload;
}

bool mentions(const Status &status, const char *text) {
    return !status && status.error().sentence().find(text) != std::string::npos;
}

} // namespace

TEST_CASE("a skew reads as it is written") {
    for (const char *text : {"uniform", "zipf:1.2", "zipf:4", "hot:0.5", "hot:1"}) {
        const Result<Skew> skew = parse_skew(text);
        REQUIRE(skew);
        CHECK(skew->text() == text);
    }
}

TEST_CASE("a wrong skew is refused with its value and what is allowed") {
    for (const char *text :
         {"", "zipf", "zipf:", "zipf:0", "zipf:-1", "zipf:4.1", "zipf:1x", "hot:1.5", "hot:nan",
          "hot:inf", "zipf:1e999", "flat", "uniform:1", "Zipf:1"}) {
        const Result<Skew> skew = parse_skew(text);
        CAPTURE(text);
        REQUIRE_FALSE(skew);
        CHECK(skew.error().what == "skew is \"" + std::string(text) + "\"");
        CHECK(skew.error().remedy.find("zipf:S") != std::string::npos);
    }
}

TEST_CASE("the default workload is valid") { CHECK(validate(valid())); }

TEST_CASE("every field of a workload is checked by name") {
    const auto broken = [](auto change) {
        Workload workload = valid();
        change(workload);
        return validate(workload);
    };
    CHECK(
        mentions(broken([](Workload &w) { w.tokens = 0; }), "tokens is 0: it must be 1..1048576"));
    CHECK(mentions(broken([](Workload &w) { w.tokens = (1 << 20) + 1; }), "tokens is 1048577"));
    CHECK(mentions(broken([](Workload &w) { w.lora_rank = -1; }), "rank is -1: it must be 0..256"));
    CHECK(mentions(
        broken([](Workload &w) { w.lora_scaling = std::numeric_limits<double>::quiet_NaN(); }),
        "lora_scaling is nan"));
    CHECK(mentions(broken([](Workload &w) { w.quant_block = 48; }), "quant_block is 48"));
    CHECK(mentions(broken([](Workload &w) { w.nested_block = 8192; }), "nested_block is 8192"));
    CHECK(mentions(broken([](Workload &w) {
                       w.skew = {Skew::Kind::Hot, 2.0};
                   }),
                   "skew is \"hot:2\""));
    CHECK(mentions(broken([](Workload &w) { w.model.top_k = 9; }),
                   "top_k is 9: Mixtral-8x7B has 8 experts, so top_k must be 1..8"));
}

TEST_CASE("more routed tokens than 32 bits count are refused with the number") {
    Workload workload = valid();
    workload.model.experts = 4096;
    workload.model.top_k = 4096;
    workload.tokens = 1 << 20;
    CHECK(mentions(validate(workload), "4294967296 routed tokens"));
}
