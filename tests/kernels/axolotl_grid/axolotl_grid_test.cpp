// The CPU references on axolotl's public test grid.
#include "tests/kernels/axolotl_grid/axolotl_grid.h"

#include "kernels/scatter2scatter/scatter2scatter_checks.h"

using namespace moescope;
using namespace moescope::test;

namespace {

std::vector<float> widened(const std::vector<std::uint16_t> &bits, ms_dtype dtype) {
    std::vector<float> values(bits.size());
    for (std::size_t i = 0; i < bits.size(); ++i)
        values[i] = load_as_float(bits.data(), dtype, std::int64_t(i));
    return values;
}

std::vector<float> product(const GridProblem &p, ms_scatter2scatter_args args) {
    std::vector<std::uint16_t> y(std::size_t(args.slots) * args.n);
    std::vector<std::uint16_t> workspace(scatter2scatter::workspace_bytes(args) / 2);
    args.y = y.data();
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.size() * 2;
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
    return widened(y, p.shape.dtype);
}

std::pair<std::vector<float>, std::vector<float>> gradients(const GridProblem &p) {
    std::vector<float> da(std::size_t(p.shape.experts) * p.shape.rank * p.shape.k),
        db(std::size_t(p.shape.experts) * p.shape.rank * p.shape.n);
    ms_lora_grad_args args = p.gradients(MS_LORA_GRAD_RECOMPUTE);
    args.da = da.data();
    args.db = db.data();
    REQUIRE(reference::lora_grad(&args, nullptr) == MS_OK);
    return {da, db};
}

} // namespace

TEST_CASE("the references pass axolotl's grid of forward products", "[axolotl-grid]") {
    for (const GridShape &shape : kForwardGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            CHECK(grid_error(product(p, p.forward(variant)), truth.y, shape.tolerance).worst <= 1);
    }
}

TEST_CASE("the references pass axolotl's grid of input gradients", "[axolotl-grid]") {
    for (const GridShape &shape : kDxGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        for (const ms_s2s_variant variant : {MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            CHECK(grid_error(product(p, p.dx(variant)), truth.dx, shape.tolerance).worst <= 1);
    }
}

TEST_CASE("the references pass axolotl's grid of LoRA gradients", "[axolotl-grid]") {
    for (const GridShape &shape : kGradientGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        const auto [da, db] = gradients(p);
        CHECK(grid_error(da, truth.da, shape.tolerance).worst <= 1);
        CHECK(grid_error(db, truth.db, shape.tolerance).worst <= 1);
    }
}

TEST_CASE("the references pass axolotl's small models", "[axolotl-grid]") {
    for (const GridShape &shape : kSmallModels) {
        INFO(shape.name);
        const GridProblem p(shape, kModelScaling);
        const GridTruth truth(p);
        const auto check = [](const std::vector<float> &actual, const std::vector<double> &wanted) {
            const GridError error = grid_error(actual, wanted, 1);
            CHECK(error.largest < kMostModelError);
            CHECK(error.norm < kMostNormError);
        };
        check(product(p, p.forward(MS_S2S_EXTRA_K)), truth.y);
        check(product(p, p.dx(MS_S2S_EXTRA_K)), truth.dx);
        const auto [da, db] = gradients(p);
        check(da, truth.da);
        check(db, truth.db);
    }
}
