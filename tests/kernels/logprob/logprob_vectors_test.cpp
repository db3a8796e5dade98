// The references against PyTorch's entropies, log-probabilities and gradients
// (make_logprob_vectors.py).
#include "tests/kernels/compare.h"
#include "tests/kernels/logprob/logprob_reference_run.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

LogprobInputs inputs_of(const VectorCase &c) {
    LogprobShape shape;
    const std::string &dtype = c.text("dtype");
    shape.dtype = dtype == "f32" ? MS_F32 : dtype == "f16" ? MS_F16 : MS_BF16;
    shape.sizes[2] = c.integer("rows");
    shape.vocab = c.integer("vocab");
    shape.selected = c.integer("selected");
    shape.scale = float(c.number("scale"));
    const auto rows = std::size_t(shape.rows()), selected = std::size_t(shape.selected);
    return {shape,
            Layout(shape),
            c.array<float>("logits", rows * std::size_t(shape.vocab)),
            c.array<std::int64_t>("indices", rows * selected),
            c.array<float>("dentropy", rows),
            c.array<float>("dlogps", rows * selected)};
}

// Relative error of one rounding to the dtype, with room for the saved float32 log-sum-exp.
double tolerance(ms_dtype dtype) {
    return dtype == MS_F32 ? 1e-6 : dtype == MS_F16 ? 6e-4 : 5e-3;
}

} // namespace

TEST_CASE("the references give PyTorch's entropies, log-probabilities and gradients",
          "[logprob]") {
    for (const VectorCase &c : read_vectors("logprob.txt")) {
        INFO(c.name);
        const LogprobInputs in = inputs_of(c);
        const LogprobResults got = reference_results(in);
        CHECK(difference(got.entropy, c.array<float>("entropy", got.entropy.size()), 1e-7, 1e-15) == "");
        CHECK(difference(got.lse, c.array<float>("lse", got.lse.size()), 1e-7) == "");
        CHECK(difference(got.logps, c.array<float>("logps", got.logps.size()), 1e-7) == "");
        // The saved lse is a float32: near 10,000 it moves every p by up to 5e-4.
        float largest = 0;
        for (const float lse : got.lse)
            largest = std::max(largest, std::fabs(lse));
        const double relative = tolerance(in.shape.dtype) + 1.2e-7 * largest;
        CHECK(difference(got.entropy_gradient,
                         c.array<float>("entropy_gradient", got.entropy_gradient.size()), relative,
                         relative * 0.1) == "");
        CHECK(difference(got.logps_gradient,
                         c.array<float>("logps_gradient", got.logps_gradient.size()), relative,
                         relative * 0.1) == "");
    }
}
