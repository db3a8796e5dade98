// The CUDA kernels on axolotl's public test grid, forward and backward, every variant: the whole
// chain, with XA and YB kept by the products and read by the gradients.
#include "tests/kernels/axolotl_grid/axolotl_grid.h"
#include "tests/kernels/gpu_test_support.h"

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr ms_s2s_variant kForwardVariants[] = {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K};
constexpr ms_s2s_variant kDxVariants[] = {MS_S2S_SPLIT, MS_S2S_EXTRA_K};
constexpr ms_lora_grad_variant kGradVariants[] = {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE,
                                                  MS_LORA_GRAD_ATOMIC};

void require_ok(ms_status status) {
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
}

// A problem on the device. XA and YB are those of the last product of each direction.
class OnDevice {
  public:
    explicit OnDevice(const GridProblem &p)
        : p_(p), x_(p.x), dy_(p.dy), w_(p.w), a_(p.a), b_(p.b), offsets_(p.offsets),
          slots_(p.sorted_slots), xa_(std::size_t(p.slots()) * p.xa_columns()),
          yb_(std::size_t(p.slots()) * p.xa_columns()) {}

    std::vector<float> forward(ms_s2s_variant variant) {
        ms_scatter2scatter_args args = p_.forward(variant);
        args.x = x_.data(), args.lora_a = a_.data(), args.lora_b = b_.data();
        args.xa = xa_.data();
        return product(args);
    }
    std::vector<float> dx(ms_s2s_variant variant) {
        ms_scatter2scatter_args args = p_.dx(variant);
        args.x = dy_.data(), args.lora_a = b_.data(), args.lora_b = a_.data();
        args.xa = yb_.data();
        return product(args);
    }
    std::pair<std::vector<float>, std::vector<float>> gradients(ms_lora_grad_variant variant) {
        const GridShape &s = p_.shape;
        DeviceArray<float> da(std::size_t(s.experts) * s.rank * s.k),
            db(std::size_t(s.experts) * s.rank * s.n);
        ms_lora_grad_args args = p_.gradients(variant);
        args.x = x_.data(), args.dy = dy_.data(), args.xa = xa_.data(), args.yb = yb_.data();
        args.lora_a = a_.data(), args.lora_b = b_.data();
        args.offsets = offsets_.data(), args.sorted_slots = slots_.data();
        args.da = da.data(), args.db = db.data();
        args.workspace_bytes = ms_lora_grad_workspace_bytes(&args);
        DeviceArray<std::uint8_t> workspace(args.workspace_bytes);
        args.workspace = workspace.data();
        require_ok(ms_lora_grad(&args, nullptr));
        return {da.download(), db.download()};
    }

  private:
    std::vector<float> product(ms_scatter2scatter_args &args) {
        args.w = w_.data();
        args.offsets = offsets_.data(), args.sorted_slots = slots_.data();
        require_ok(ms_scatter2scatter_default_config(&args, &args.config));
        DeviceArray<std::int32_t> tiles(
            2 * std::size_t(ms_max_tiles(args.slots, args.experts, args.config.block_m)));
        const ms_tile_schedule_args schedule{.struct_size = sizeof schedule,
                                             .experts = args.experts,
                                             .offsets = args.offsets,
                                             .slots = args.slots,
                                             .block_rows = args.config.block_m,
                                             .tiles = reinterpret_cast<ms_tile *>(tiles.data())};
        require_ok(ms_tile_schedule(&schedule, nullptr));
        args.tiles = reinterpret_cast<const ms_tile *>(tiles.data());
        DeviceArray<std::uint16_t> y(std::size_t(args.slots) * args.n);
        args.y = y.data();
        require_ok(ms_scatter2scatter(&args, nullptr));
        const std::vector<std::uint16_t> bits = y.download();
        std::vector<float> values(bits.size());
        for (std::size_t i = 0; i < bits.size(); ++i)
            values[i] = load_as_float(bits.data(), args.dtype, std::int64_t(i));
        return values;
    }

    const GridProblem &p_;
    DeviceArray<std::uint16_t> x_, dy_, w_, a_, b_;
    DeviceArray<std::int32_t> offsets_, slots_;
    DeviceArray<std::uint16_t> xa_, yb_;
};

void check_model(const std::vector<float> &actual, const auto &wanted) {
    const GridError error = grid_error(actual, wanted, 1);
    CHECK(error.largest < kMostModelError);
    CHECK(error.norm < kMostNormError);
}

// The CPU reference's answer for one expert, and what the device said of it, in the same order.
struct ExpertPart {
    std::vector<float> actual, wanted;
};

ExpertPart product_part(const GridProblem &p, ms_scatter2scatter_args args,
                        const std::vector<float> &device, std::int32_t expert) {
    const std::int32_t begin = p.offsets[expert], rows = p.offsets[expert + 1] - begin;
    const std::int32_t offsets[] = {0, rows};
    std::vector<std::uint16_t> y(device.size());
    args.w = static_cast<const std::uint16_t *>(args.w) + std::int64_t(expert) * args.k * args.n;
    args.lora_a = static_cast<const std::uint16_t *>(args.lora_a) +
                  std::int64_t(expert) * args.rank * args.k;
    args.lora_b = static_cast<const std::uint16_t *>(args.lora_b) +
                  std::int64_t(expert) * args.rank * args.n;
    args.offsets = offsets;
    args.sorted_slots += begin;
    args.experts = 1;
    args.slots = rows;
    args.y = y.data();
    args.variant = MS_S2S_FUSED; // as the definition: no rounding between passes, no workspace
    require_ok(reference::scatter2scatter(&args, nullptr));
    ExpertPart part;
    for (std::int32_t i = begin; i < begin + rows; ++i)
        for (std::int64_t n = 0; n < args.n; ++n) {
            const std::int64_t at = std::int64_t(p.sorted_slots[i]) * args.n + n;
            part.actual.push_back(device[at]);
            part.wanted.push_back(load_as_float(y.data(), args.dtype, at));
        }
    return part;
}

std::pair<ExpertPart, ExpertPart>
gradient_parts(const GridProblem &p, const std::pair<std::vector<float>, std::vector<float>> &device,
               std::int32_t expert) {
    const GridShape &s = p.shape;
    const std::int32_t begin = p.offsets[expert], rows = p.offsets[expert + 1] - begin;
    const std::int32_t offsets[] = {0, rows};
    const std::int64_t da_size = std::int64_t(s.rank) * s.k, db_size = std::int64_t(s.rank) * s.n;
    const auto slice = [&](const std::vector<float> &all, std::int64_t size) {
        return std::vector<float>(all.begin() + expert * size, all.begin() + (expert + 1) * size);
    };
    ExpertPart da{slice(device.first, da_size), std::vector<float>(da_size)};
    ExpertPart db{slice(device.second, db_size), std::vector<float>(db_size)};
    ms_lora_grad_args args = p.gradients(MS_LORA_GRAD_RECOMPUTE);
    args.lora_a = p.a.data() + expert * da_size;
    args.lora_b = p.b.data() + expert * db_size;
    args.offsets = offsets;
    args.sorted_slots += begin;
    args.experts = 1;
    args.slots = rows;
    args.da = da.wanted.data();
    args.db = db.wanted.data();
    require_ok(reference::lora_grad(&args, nullptr));
    return {da, db};
}

} // namespace

TEST_CASE("scatter2scatter passes axolotl's grid of forward products", "[gpu][axolotl-grid]") {
    skip_without_gpu();
    for (const GridShape &shape : kForwardGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        OnDevice device(p);
        for (const ms_s2s_variant variant : kForwardVariants)
            CHECK(grid_error(device.forward(variant), truth.y, shape.tolerance).worst <= 1);
    }
}

TEST_CASE("scatter2scatter passes axolotl's grid of input gradients", "[gpu][axolotl-grid]") {
    skip_without_gpu();
    for (const GridShape &shape : kDxGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        OnDevice device(p);
        for (const ms_s2s_variant variant : kDxVariants)
            CHECK(grid_error(device.dx(variant), truth.dx, shape.tolerance).worst <= 1);
    }
}

TEST_CASE("the LoRA gradients pass axolotl's grid", "[gpu][axolotl-grid]") {
    skip_without_gpu();
    for (const GridShape &shape : kGradientGrid) {
        INFO(shape.name);
        const GridProblem p(shape, kGridScaling);
        const GridTruth truth(p);
        OnDevice device(p);
        device.forward(MS_S2S_EXTRA_K); // XA and YB
        device.dx(MS_S2S_EXTRA_K);
        for (const ms_lora_grad_variant variant : kGradVariants) {
            const auto [da, db] = device.gradients(variant);
            CHECK(grid_error(da, truth.da, shape.tolerance).worst <= 1);
            CHECK(grid_error(db, truth.db, shape.tolerance).worst <= 1);
        }
    }
}

TEST_CASE("forward and backward pass axolotl's small models", "[gpu][axolotl-grid]") {
    skip_without_gpu();
    for (const GridShape &shape : kSmallModels) {
        INFO(shape.name);
        const GridProblem p(shape, kModelScaling);
        const GridTruth truth(p);
        OnDevice device(p);
        for (const ms_s2s_variant variant : kForwardVariants)
            check_model(device.forward(variant), truth.y);
        for (const ms_s2s_variant variant : kDxVariants)
            check_model(device.dx(variant), truth.dx);
        for (const ms_lora_grad_variant variant : kGradVariants) {
            const auto [da, db] = device.gradients(variant);
            check_model(da, truth.da);
            check_model(db, truth.db);
        }
    }
}

// Of the real models' experts, the first, the last and one between are computed on the CPU too.
TEST_CASE("forward and backward pass axolotl's real models", "[gpu][axolotl-grid]") {
    skip_without_gpu();
    for (const GridShape &shape : kRealModels) {
        INFO(shape.name);
        const GridProblem p(shape, kModelScaling);
        OnDevice device(p);
        const std::int32_t experts[] = {0, shape.experts / 3, shape.experts - 1};
        for (const ms_s2s_variant variant : kForwardVariants) {
            const std::vector<float> y = device.forward(variant);
            for (const std::int32_t e : experts) {
                const ExpertPart part = product_part(p, p.forward(variant), y, e);
                check_model(part.actual, part.wanted);
            }
        }
        for (const ms_s2s_variant variant : kDxVariants) {
            const std::vector<float> dx = device.dx(variant);
            for (const std::int32_t e : experts) {
                const ExpertPart part = product_part(p, p.dx(variant), dx, e);
                check_model(part.actual, part.wanted);
            }
        }
        for (const ms_lora_grad_variant variant : kGradVariants) {
            const auto gradients = device.gradients(variant);
            for (const std::int32_t e : experts) {
                const auto [da, db] = gradient_parts(p, gradients, e);
                check_model(da.actual, da.wanted);
                check_model(db.actual, db.wanted);
            }
        }
    }
}
