// The LoRA gradient kernels against the CPU reference.
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/lora_grad/lora_grad_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Gradients {
    std::vector<std::uint8_t> da, db;
    bool operator==(const Gradients &) const = default;
};

Gradients expected(const LoraGradCase &c) {
    const std::size_t element = std::size_t(size_of(c.shape.out_dtype));
    Gradients result{std::vector<std::uint8_t>(c.da_elements() * element, 0xC7),
                     std::vector<std::uint8_t>(c.db_elements() * element, 0xC7)};
    const ms_lora_grad_args args = c.args(result.da.data(), result.db.data());
    const ms_status status = reference::lora_grad(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return result;
}

// A problem's inputs on the device; run() writes over poison.
class DeviceCase {
  public:
    explicit DeviceCase(const LoraGradCase &c)
        : case_(c), x_(c.routing.x), dy_(c.dy), xa_(c.xa), yb_(c.yb), a_(c.routing.lora_a),
          b_(c.routing.lora_b), offsets_(c.routing.offsets), slots_(c.routing.sorted_slots) {}

    ms_status run(const ms_lora_grad_config &config, Gradients &result) {
        const std::size_t element = std::size_t(size_of(case_.shape.out_dtype));
        DeviceArray<std::uint8_t> da(case_.da_elements() * element),
            db(case_.db_elements() * element);
        ms_lora_grad_args args = case_.args(da.data(), db.data());
        args.x = x_.data(), args.dy = dy_.data(), args.xa = xa_.data(), args.yb = yb_.data();
        args.lora_a = a_.data(), args.lora_b = b_.data();
        args.offsets = offsets_.data(), args.sorted_slots = slots_.data();
        args.config = config;
        args.workspace_bytes = ms_lora_grad_workspace_bytes(&args);
        DeviceArray<std::uint8_t> workspace(args.workspace_bytes);
        args.workspace = workspace.data();
        const ms_status status = ms_lora_grad(&args, nullptr);
        if (status == MS_OK) {
            result = {da.download(), db.download()};
            CHECK(workspace.red_zones_intact());
        }
        return status;
    }

  private:
    const LoraGradCase &case_;
    DeviceArray<std::uint16_t> x_, dy_, xa_, yb_, a_, b_;
    DeviceArray<std::int32_t> offsets_, slots_;
};

void compare(const LoraGradCase &c, const Gradients &actual, const Gradients &wanted) {
    const ms_dtype dtype = c.shape.out_dtype;
    const double relative = lora_grad_relative(dtype), absolute = lora_grad_absolute(c);
    CHECK(difference(decode(actual.da, dtype), decode(wanted.da, dtype), relative, absolute) == "");
    CHECK(difference(decode(actual.db, dtype), decode(wanted.db, dtype), relative, absolute) == "");
}

void check(const LoraGradShape &shape, const ms_lora_grad_config &config = {},
           std::uint64_t seed = 1) {
    const LoraGradCase c(shape, seed);
    DeviceCase device(c);
    INFO(shape.name() << ", config " << config.block_columns << "x" << config.block_rows << " warps "
                      << config.warps << " stages " << config.stages);
    Gradients actual;
    const ms_status status = device.run(config, actual);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    compare(c, actual, expected(c));
}

constexpr ms_lora_grad_variant kVariants[] = {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE,
                                              MS_LORA_GRAD_ATOMIC};

} // namespace

TEST_CASE("LoRA's gradients equal the reference", "[gpu][lora_grad][small]") {
    skip_without_gpu();
    for (const ms_lora_grad_variant variant : kVariants) {
        check({.variant = variant});
        check({.tokens = 100, .k = 136, .n = 264, .rank = 12, .variant = variant,
               .sentinels = true, .x_padding = 8, .dy_padding = 16});
        check({.tokens = 3, .experts = 64, .variant = variant}); // most experts get zeros
        check({.tokens = 0, .variant = variant});
        check({.variant = variant, .da = false});
        check({.variant = variant, .db = false});
        for (const bool x_grouped : {false, true})
            check({.k = 72, .n = 40, .rank = 16, .variant = variant, .x_grouped = x_grouped,
                   .dy_grouped = !x_grouped});
    }
    check({.out_dtype = MS_BF16});
    check({.dtype = MS_F16, .out_dtype = MS_F16, .variant = MS_LORA_GRAD_RECOMPUTE});
}

TEST_CASE("LoRA's gradients are right at every rank", "[gpu][lora_grad]") {
    skip_without_gpu();
    for (const std::int32_t rank : {1, 4, 8, 15, 16, 24, 33, 64, 100, 128, 200, 256})
        for (const ms_lora_grad_variant variant : kVariants)
            check({.tokens = 200,
                   .experts = 5,
                   .k = 264,
                   .n = 520,
                   .rank = rank,
                   .out_dtype = variant == MS_LORA_GRAD_GRAM ? MS_BF16 : MS_F32,
                   .variant = variant});
}

TEST_CASE("LoRA's gradients are right however the work is cut", "[gpu][lora_grad]") {
    skip_without_gpu();
    for (const ms_lora_grad_config &config :
         {ms_lora_grad_config{32, 16, 1, 2}, ms_lora_grad_config{64, 16, 2, 6},
          ms_lora_grad_config{64, 32, 4, 3}, ms_lora_grad_config{128, 32, 4, 4},
          ms_lora_grad_config{128, 64, 8, 3}, ms_lora_grad_config{256, 32, 8, 3},
          ms_lora_grad_config{512, 16, 8, 3}, ms_lora_grad_config{512, 32, 16, 2}})
        for (const std::int32_t rank : {40, 64})
            check({.tokens = 700, .experts = 3, .k = 520, .n = 264, .rank = rank}, config);
    const LoraGradCase c({});
    DeviceCase device(c);
    Gradients result;
    CHECK(device.run({64, 32, 8, 3}, result) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("warps is 8; it must be at most 2"));
}

TEST_CASE("LoRA's gradients are right for lopsided routing", "[gpu][lora_grad]") {
    skip_without_gpu();
    for (const ms_lora_grad_variant variant : kVariants) {
        check({.tokens = 5000, .experts = 7, .top_k = 1, .k = 72, .n = 40, .variant = variant,
               .only_expert = 3});
        check({.tokens = 3000, .experts = 2, .top_k = 1, .k = 40, .n = 72, .variant = variant});
        check({.tokens = 2000, .experts = 300, .top_k = 1, .k = 64, .n = 64, .rank = 16,
               .variant = variant, .only_expert = 299});
        check({.tokens = 1200, .experts = 256, .top_k = 8, .k = 64, .n = 32, .variant = variant});
    }
}

TEST_CASE("LoRA's gradients are right for shapes drawn at random", "[gpu][lora_grad]") {
    skip_without_gpu();
    Random random(20260711);
    const auto draw = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int i = 0; i < 24; ++i) {
        const int experts = draw(1, 40);
        check({.tokens = draw(1, 1500),
               .experts = experts,
               .top_k = draw(1, std::min(experts, 8)),
               .k = 8 * draw(1, 40),
               .n = 8 * draw(1, 40),
               .rank = 4 << draw(0, 4),
               .out_dtype = draw(0, 1) ? MS_BF16 : MS_F32,
               .x_grouped = draw(0, 1) == 1,
               .dy_grouped = draw(0, 1) == 1,
               .sentinels = draw(0, 3) == 0,
               .scaling = 0.25f * float(draw(1, 16))},
              {}, std::uint64_t(i) + 100);
    }
}

TEST_CASE("the Gram and recomputing gradients repeat themselves to the bit",
          "[gpu][lora_grad][determinism]") {
    skip_without_gpu();
    for (const ms_lora_grad_variant variant : {MS_LORA_GRAD_GRAM, MS_LORA_GRAD_RECOMPUTE})
        for (const std::int32_t only : {-1, 1}) { // one chunk an expert, then several
            const LoraGradCase c({.tokens = 2100,
                                  .experts = 16,
                                  .top_k = only < 0 ? 4 : 1,
                                  .k = 264,
                                  .n = 136,
                                  .rank = 16,
                                  .variant = variant,
                                  .only_expert = only});
            DeviceCase device(c);
            Gradients first, again;
            REQUIRE(device.run({}, first) == MS_OK);
            compare(c, first, expected(c));
            for (int repeat = 0; repeat < 100; ++repeat) {
                REQUIRE(device.run({}, again) == MS_OK);
                REQUIRE(again == first);
            }
        }
}

TEST_CASE("a LoRA gradient without its workspace is refused", "[gpu][lora_grad][small]") {
    skip_without_gpu();
    const LoraGradCase c({.tokens = 600, .top_k = 1, .only_expert = 0});
    DeviceArray<float> any(c.da_elements());
    ms_lora_grad_args args = c.args(any.data(), any.data());
    CHECK(ms_lora_grad_workspace_bytes(&args) > 0);
    CHECK(ms_lora_grad(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("workspace is null"));
}

// 1025 experts of 256 x 8192 bf16 elements, 4.3 GB: the last one's dA begins at element 2^31.
TEST_CASE("LoRA gradients of more than 2^31 elements", "[gpu][lora_grad]") {
    skip_without_gpu();
    const std::int32_t experts = 1025;
    const LoraGradCase c({.tokens = 50, .experts = 1, .top_k = 1, .k = 8192, .n = 8, .rank = 256,
                          .out_dtype = MS_BF16});
    skip_without_memory(std::size_t(experts) * (c.da_elements() + c.db_elements()) * 2);
    const Gradients wanted = expected(c);
    std::vector<std::int32_t> offsets(std::size_t(experts) + 1, 0);
    offsets.back() = std::int32_t(c.slots());
    DeviceArray<std::uint16_t> x(c.routing.x), dy(c.dy), xa(c.xa), yb(c.yb);
    DeviceArray<std::int32_t> ends(offsets), slots(c.routing.sorted_slots);
    DeviceArray<std::uint8_t> da(std::size_t(experts) * wanted.da.size()),
        db(std::size_t(experts) * wanted.db.size());
    ms_lora_grad_args args = c.args(da.data(), db.data());
    args.experts = experts;
    args.x = x.data(), args.dy = dy.data(), args.xa = xa.data(), args.yb = yb.data();
    args.offsets = ends.data(), args.sorted_slots = slots.data();
    args.workspace_bytes = ms_lora_grad_workspace_bytes(&args);
    DeviceArray<std::uint8_t> workspace(args.workspace_bytes);
    args.workspace = workspace.data();
    const ms_status status = ms_lora_grad(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    synchronize();
    const auto expert = [&](DeviceArray<std::uint8_t> &all, std::int32_t e, std::size_t bytes) {
        std::vector<std::uint8_t> host(bytes);
        require_cuda(cudaMemcpy(host.data(), all.data() + std::size_t(e) * bytes, bytes,
                                cudaMemcpyDeviceToHost));
        return host;
    };
    compare(c, {expert(da, experts - 1, wanted.da.size()), expert(db, experts - 1, wanted.db.size())},
            wanted);
    CHECK(expert(da, experts - 2, wanted.da.size()) ==
          std::vector<std::uint8_t>(wanted.da.size(), 0)); // it has no tokens
    CHECK(da.red_zones_intact());
    CHECK(db.red_zones_intact());
}
