#include "profiler/model/model_shape.h"

#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <string>

using namespace moescope;

namespace {

template <typename Change> std::string refusal(Change change) {
    ModelShape shape;
    shape.name = "Mixtral-8x7B";
    change(shape);
    const Status status = validate(shape);
    return status ? "valid" : status.error().sentence();
}

} // namespace

TEST_CASE("a shape's sizes are checked by name, value and range") {
    CHECK(refusal([](ModelShape &) {}) == "valid");
    CHECK(refusal([](ModelShape &s) { s.experts = 0; }) == "experts is 0: it must be 1..4096.");
    CHECK(refusal([](ModelShape &s) { s.hidden = 4100; }) ==
          "hidden is 4100: it must be a multiple of 8 in 8..65536.");
    CHECK(refusal([](ModelShape &s) { s.intermediate = -8; }) ==
          "intermediate is -8: it must be a multiple of 8 in 8..262144.");
    CHECK(refusal([](ModelShape &s) { s.top_k = 9; }) ==
          "top_k is 9: Mixtral-8x7B has 8 experts, so top_k must be 1..8.");
    CHECK(refusal([](ModelShape &s) { s.top_k = 0; }).starts_with("top_k is 0"));
    CHECK(refusal([](ModelShape &s) { s.latent = 12; }).starts_with("latent is 12"));
    CHECK(refusal([](ModelShape &s) { s.dense_first = -1; }).starts_with("dense_first is -1"));
    CHECK(refusal([](ModelShape &s) { s.vocab = -1; }).starts_with("vocab is -1"));
    CHECK(refusal([](ModelShape &s) {
              s.shared_intermediate = -1;
          }).starts_with("shared_intermediate is -1"));
}

TEST_CASE("a router's settings are checked") {
    CHECK(refusal([](ModelShape &s) { s.groups = 3; }) ==
          "groups is 3: it must divide the 8 experts.");
    CHECK(refusal([](ModelShape &s) { s.groups = 0; }) ==
          "groups is 0: it must divide the 8 experts.");
    CHECK(refusal([](ModelShape &s) { s.groups = 2, s.groups_kept = 3; }) ==
          "groups_kept is 3: it must be 1..2.");
    CHECK(refusal([](ModelShape &s) {
              s.groups = 8, s.group_score = GroupScore::Max, s.groups_kept = 1;
          }) == "top_k is 2: 1 kept groups of 1 experts leave 1 to choose from.");
    CHECK(refusal([](ModelShape &s) { s.groups = 8, s.groups_kept = 4; }) ==
          "groups is 8: a group scored by its two best experts must hold at least 2.");
    CHECK(refusal([](ModelShape &s) {
              s.routed_scaling = std::numeric_limits<double>::quiet_NaN();
          }).starts_with("routed_scaling is nan"));
    CHECK(
        refusal([](ModelShape &s) { s.renorm_epsilon = -1; }).starts_with("renorm_epsilon is -1"));
    CHECK(refusal([](ModelShape &s) { s.router = RouterKind(9); }).starts_with("router is 9"));
    CHECK(refusal([](ModelShape &s) { s.dtype = DType(-1); }).starts_with("dtype is -1"));
}

TEST_CASE("the experts' sizes follow latent space and gating") {
    ModelShape shape;
    CHECK(shape.expert_hidden() == 4096);
    CHECK(shape.gate_up_columns() == 2 * 14336);
    shape.latent = 1024;
    shape.gated = false;
    CHECK(shape.expert_hidden() == 1024);
    CHECK(shape.gate_up_columns() == 14336);
}
