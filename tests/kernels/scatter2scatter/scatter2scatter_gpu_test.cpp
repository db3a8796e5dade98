// The tile kernel against the CPU reference. Inputs are small multiples of 1/128, so that sums are
// nearly exact in float32 and the tolerance can be one unit in the last place of y_dtype.
#include "kernels/dequant/nf4.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint8_t kPoisonByte = 0xC7; // what DeviceArray fills with

std::string text_of(const ms_tile_config &c) {
    return std::to_string(c.block_m) + "x" + std::to_string(c.block_n) + "x" +
           std::to_string(c.block_k) + " warps " + std::to_string(c.warps) + " stages " +
           std::to_string(c.stages);
}

double one_ulp(ms_dtype dtype) {
    return dtype == MS_F32 ? 1e-6 : dtype == MS_BF16 ? 0x1p-7 : 0x1p-10;
}

// The reference's y over poison, so that the rows and the padding it leaves alone compare too.
std::vector<std::uint8_t> expected_y(const S2sCase &c) {
    std::vector<std::uint8_t> y(c.y_bytes(), kPoisonByte);
    ms_scatter2scatter_args args = c.args(y.data());
    std::vector<std::uint16_t> workspace(scatter2scatter::workspace_bytes(args) / 2);
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.size() * 2;
    const ms_status status = reference::scatter2scatter(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return y;
}

// Split rounds X*W (+ bias) to y's dtype on the way. Where that falls between two values, the order
// of a float32 sum decides, and the LoRA part added later, however it cancels, keeps the step.
double split_step(const S2sCase &c) {
    if (c.shape.variant != MS_S2S_SPLIT || c.shape.rank == 0)
        return 0;
    std::vector<std::uint8_t> base(c.y_bytes(), 0);
    ms_scatter2scatter_args args = c.args(base.data());
    args.rank = 0;
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
    double largest = 0;
    for (const float value : decode(base, c.shape.y_dtype))
        largest = std::max(largest, std::fabs(double(value)));
    return one_ulp(c.shape.y_dtype) * largest;
}

// A problem's inputs on the device.
class DeviceCase {
  public:
    explicit DeviceCase(const S2sCase &c)
        : case_(c), x_(c.x), w_(c.w), lora_a_(c.lora_a), lora_b_(c.lora_b), bias_(c.bias),
          offsets_(c.offsets), sorted_slots_(c.sorted_slots), packed_(c.nf4.packed),
          absmax_u8_(c.nf4.absmax_u8), absmax_(c.nf4.absmax), nested_code_(c.nf4.nested_code),
          nested_absmax_(c.nf4.nested_absmax),
          code_(std::vector<float>(kNf4Code.begin(), kNf4Code.end())), nf4_(c.nf4_view) {
        nf4_.values = packed_.data();
        nf4_.code = code_.data();
        nf4_.absmax = nf4_.absmax ? absmax_.data() : nullptr;
        nf4_.absmax_u8 = absmax_u8_.data();
        nf4_.nested_code = nested_code_.data();
        nf4_.nested_absmax = nested_absmax_.data();
    }
    DeviceCase(const DeviceCase &) = delete; // nf4_ points into it
    DeviceCase &operator=(const DeviceCase &) = delete;

    // Status of the call; y is what was written over poison.
    ms_status run(const ms_tile_config &config, std::vector<std::uint8_t> &y,
                  ms_s2s_variant variant, void *xa = nullptr, bool xa_is_input = false) {
        ms_scatter2scatter_args args = case_.args(nullptr);
        args.xa = xa;
        args.xa_is_input = xa_is_input;
        args.variant = variant;
        args.x = x_.data();
        args.w = w_.data();
        args.w_nf4 = args.w_nf4 ? &nf4_ : nullptr;
        args.lora_a = lora_a_.data();
        args.lora_b = lora_b_.data();
        args.bias = case_.shape.bias ? bias_.data() : nullptr;
        args.offsets = offsets_.data();
        args.sorted_slots = sorted_slots_.data();
        args.config = config;
        DeviceArray<std::uint8_t> out(case_.y_bytes());
        DeviceArray<std::uint8_t> workspace(ms_scatter2scatter_workspace_bytes(&args));
        DeviceArray<std::int32_t> tiles(schedule(args));
        args.y = out.data();
        args.workspace = workspace.data();
        args.workspace_bytes = workspace.bytes();
        args.tiles = reinterpret_cast<const ms_tile *>(tiles.data());
        const ms_status status = ms_scatter2scatter(&args, nullptr);
        if (status == MS_OK) {
            y = out.download();
            CHECK(workspace.red_zones_intact());
        }
        return status;
    }

  private:
    std::vector<std::int32_t> schedule(const ms_scatter2scatter_args &args) const {
        ms_tile_config config = args.config;
        if (config.block_m == 0)
            REQUIRE(ms_scatter2scatter_default_config(&args, &config) == MS_OK);
        std::vector<std::int32_t> tiles(2 * ms_max_tiles(args.slots, args.experts, config.block_m));
        ms_tile_schedule_args schedule{.struct_size = sizeof schedule,
                                       .experts = args.experts,
                                       .offsets = case_.offsets.data(),
                                       .slots = args.slots,
                                       .block_rows = config.block_m,
                                       .tiles = reinterpret_cast<ms_tile *>(tiles.data())};
        REQUIRE(reference::tile_schedule(&schedule, nullptr) == MS_OK);
        return tiles;
    }

    const S2sCase &case_;
    DeviceArray<std::uint16_t> x_, w_, lora_a_, lora_b_, bias_;
    DeviceArray<std::int32_t> offsets_, sorted_slots_;
    DeviceArray<std::uint8_t> packed_, absmax_u8_;
    DeviceArray<float> absmax_, nested_code_, nested_absmax_, code_;
    ms_expert_weights nf4_;
};

void check_run(const S2sCase &c, DeviceCase &device, const std::vector<std::uint8_t> &expected,
               const ms_tile_config &config) {
    INFO(c.shape.name() << ", " << text_of(config));
    std::vector<std::uint8_t> y;
    const ms_status status = device.run(config, y, c.shape.variant);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    const ms_dtype dtype = c.shape.y_dtype;
    CHECK(difference(decode(y, dtype), decode(expected, dtype), one_ulp(dtype), 2e-5 + split_step(c)) == "");
}

void check_shape(const S2sShape &shape, const ms_tile_config &config = {}) {
    const S2sCase c(shape);
    DeviceCase device(c);
    check_run(c, device, expected_y(c), config);
}

// Compiles for the current device on all cores, so that the tests that follow only launch.
void compile_in_parallel(const std::vector<ms_scatter2scatter_args> &calls) {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back([&] {
            for (std::size_t call; (call = next++) < calls.size();)
                ms_scatter2scatter_compile(&calls[call], nullptr, nullptr);
        });
}

} // namespace

TEST_CASE("scatter2scatter without LoRA equals the reference", "[gpu][scatter2scatter][small]") {
    skip_without_gpu();
    check_shape({});
    check_shape({.dtype = MS_F16, .y_dtype = MS_F16});
    check_shape({.y_dtype = MS_F32});
    check_shape({.k = 8, .n = 8});
    check_shape({.k = 72, .n = 40});
    check_shape({.k = 1032, .n = 264});
    check_shape({.tokens = 1, .experts = 1, .top_k = 1});
    check_shape({.tokens = 1, .experts = 8, .top_k = 8});
    check_shape({.tokens = 333, .experts = 1, .top_k = 1});
}

TEST_CASE("scatter2scatter handles every layout of its arguments",
          "[gpu][scatter2scatter][small]") {
    skip_without_gpu();
    for (const bool transposed : {false, true})
        for (const bool x_grouped : {false, true})
            for (const bool y_grouped : {false, true})
                for (const ms_dtype y_dtype : {MS_BF16, MS_F32})
                    check_shape({.tokens = 61,
                                 .experts = 5,
                                 .k = 136,
                                 .n = 152,
                                 .rank = 16,
                                 .y_dtype = y_dtype,
                                 .w_transposed = transposed,
                                 .bias = true,
                                 .x_grouped = x_grouped,
                                 .y_grouped = y_grouped});
}

TEST_CASE("scatter2scatter writes its columns and nothing beside them", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const ms_dtype y_dtype : {MS_BF16, MS_F32}) {
        check_shape({.y_dtype = y_dtype, .x_padding = 8, .y_padding = 8}); // 16-byte stores
        check_shape({.y_dtype = y_dtype, .y_padding = 1});                 // rows on odd elements
        check_shape({.n = 13, .y_dtype = y_dtype, .w_transposed = true, .bias = true}); // ragged N
        check_shape({.n = 77, .rank = 3, .y_dtype = y_dtype, .w_transposed = true, .y_padding = 2});
        check_shape({.n = 77,
                     .rank = 3,
                     .y_dtype = y_dtype,
                     .variant = MS_S2S_SPLIT,
                     .w_transposed = true});
    }
}

TEST_CASE("scatter2scatter with LoRA equals the reference at every rank",
          "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const std::int32_t rank :
         {1, 2, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 80, 100, 128, 200, 255, 256})
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            for (const ms_dtype dtype : {MS_BF16, MS_F16})
                check_shape({.tokens = 150,
                             .k = 200,
                             .n = 168,
                             .rank = rank,
                             .dtype = dtype,
                             .y_dtype = dtype,
                             .variant = variant,
                             .bias = rank % 2 == 0});
}

TEST_CASE("LoRA is right in blocks of every row count", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        for (const std::int32_t rank : {16, 40, 256})
            for (const ms_tile_config &config :
                 {ms_tile_config{16, 32, 16, 1, 2}, ms_tile_config{16, 64, 32, 4, 3},
                  ms_tile_config{32, 64, 64, 2, 2}, ms_tile_config{64, 64, 32, 8, 4},
                  ms_tile_config{128, 32, 32, 8, 3}})
                check_shape({.tokens = 220,
                             .k = 264,
                             .n = 104,
                             .rank = rank,
                             .y_dtype = MS_F32,
                             .variant = variant},
                            config);
}

TEST_CASE("scatter2scatter handles lopsided routing", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
        check_shape({.tokens = 9,
                     .experts = 256,
                     .top_k = 4,
                     .rank = 8,
                     .variant = variant}); // most are empty
        check_shape({.tokens = 700,
                     .experts = 256,
                     .top_k = 8,
                     .k = 64,
                     .n = 32,
                     .rank = 8,
                     .variant = variant});
        check_shape({.tokens = 500,
                     .experts = 64,
                     .top_k = 1,
                     .rank = 8,
                     .variant = variant,
                     .only_expert = 63});
        check_shape({.tokens = 129,
                     .experts = 2,
                     .top_k = 1,
                     .rank = 8,
                     .variant = variant,
                     .only_expert = 0});
    }
}

TEST_CASE("slots without an expert are left as they were", "[gpu][scatter2scatter][small]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        for (const bool y_grouped : {false, true}) {
            const S2sCase c({.tokens = 101,
                             .rank = 8,
                             .variant = variant,
                             .y_grouped = y_grouped,
                             .sentinels = true});
            DeviceCase device(c);
            const std::vector<std::uint8_t> expected = expected_y(c);
            check_run(c, device, expected, {});
            std::vector<std::uint8_t> y;
            REQUIRE(device.run({}, y, variant) == MS_OK);
            int wrong = 0; // poison must survive exactly where the reference left it
            for (std::size_t i = 0; i + 1 < y.size(); i += 2) {
                const auto poisoned = [i](const auto &bytes) {
                    return bytes[i] == kPoisonByte && bytes[i + 1] == kPoisonByte;
                };
                wrong += poisoned(y) != poisoned(expected);
            }
            CHECK(wrong == 0);
        }
}

TEST_CASE("every candidate tile computes the same result", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const bool transposed : {false, true})
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
            const S2sShape shape{.tokens = 300,
                                 .k = 520,
                                 .n = 264,
                                 .rank = 17,
                                 .variant = variant,
                                 .w_transposed = transposed,
                                 .bias = true};
            const std::vector<ms_tile_config> configs =
                scatter2scatter::candidate_configs(shape_args(shape));
            REQUIRE(configs.size() > 40);
            std::vector<ms_scatter2scatter_args> calls;
            for (const ms_tile_config &config : configs)
                calls.push_back(shape_args(shape)), calls.back().config = config;
            compile_in_parallel(calls);
            const S2sCase c(shape);
            DeviceCase device(c);
            const std::vector<std::uint8_t> expected = expected_y(c);
            int most_smem = 0;
            REQUIRE(cudaDeviceGetAttribute(&most_smem, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                           0) == cudaSuccess);
            for (std::size_t i = 0; i < configs.size(); ++i)
                if (scatter2scatter::dynamic_smem_bytes(calls[i], configs[i]) <= most_smem)
                    check_run(c, device, expected, configs[i]);
        }
}

TEST_CASE("transposed LoRA matrices give the same as upright ones", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        for (const std::int32_t rank : {1, 8, 16, 17, 40, 64, 129, 256})
            for (const int transposed : {1, 2, 3})
                check_shape({.tokens = 150,
                             .k = 200,
                             .n = 168,
                             .rank = rank,
                             .variant = variant,
                             .w_transposed = rank % 2 == 0,
                             .bias = rank == 17,
                             .lora_a_transposed = transposed % 2 == 1,
                             .lora_b_transposed = transposed >= 2});
    const S2sCase c({.rank = 8, .variant = MS_S2S_FUSED, .lora_a_transposed = true});
    DeviceCase device(c);
    std::vector<std::uint8_t> y;
    CHECK(device.run({}, y, MS_S2S_FUSED) == MS_UNSUPPORTED);
    CHECK_THAT(ms_last_error(), ContainsSubstring("no lora_a_transposed"));
}

TEST_CASE("XA is kept where the caller asks for it, and read where it is given",
          "[gpu][scatter2scatter][small]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
        const S2sCase c({.tokens = 90,
                         .k = 136,
                         .n = 264,
                         .rank = 12,
                         .variant = variant,
                         .sentinels = true});
        INFO(c.shape.name());
        std::vector<std::uint8_t> expected(c.y_bytes(), kPoisonByte);
        std::vector<std::uint16_t> expected_xa(c.ids.size() * 16, 0xC7C7);
        ms_scatter2scatter_args host = c.args(expected.data());
        host.xa = expected_xa.data();
        REQUIRE(reference::scatter2scatter(&host, nullptr) == MS_OK);
        DeviceCase device(c);
        DeviceArray<std::uint16_t> xa(expected_xa.size());
        std::vector<std::uint8_t> y, again;
        REQUIRE(device.run({}, y, variant, xa.data()) == MS_OK);
        CHECK(difference(decode(y, MS_BF16), decode(expected, MS_BF16), 0x1p-7, 2e-5) == "");
        const auto floats = [](const std::vector<std::uint16_t> &bits) {
            std::vector<float> values;
            for (const std::uint16_t one : bits)
                values.push_back(bf16_to_float(one));
            return values;
        };
        CHECK(difference(floats(xa.download()), floats(expected_xa), 0x1p-7, 2e-5) == "");
        CHECK(xa.red_zones_intact());
        const ms_status status = device.run({}, again, variant, xa.data(), true);
        if (variant == MS_S2S_FUSED) {
            CHECK(status == MS_UNSUPPORTED);
        } else {
            REQUIRE(status == MS_OK);
            CHECK(again == y);
        }
    }
}

TEST_CASE("the variants agree, and each repeats itself to the bit",
          "[gpu][scatter2scatter][small][determinism]") {
    skip_without_gpu();
    const S2sCase c(
        {.tokens = 400, .experts = 8, .k = 512, .n = 384, .rank = 16, .y_dtype = MS_F32});
    DeviceCase device(c);
    std::vector<std::uint8_t> fused;
    REQUIRE(device.run({}, fused, MS_S2S_FUSED) == MS_OK);
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
        std::vector<std::uint8_t> first, again;
        REQUIRE(device.run({}, first, variant) == MS_OK);
        CHECK(difference(decode(first, MS_F32), decode(fused, MS_F32), 1e-6, 2e-5) == "");
        for (int repeat = 0; repeat < 100; ++repeat) {
            REQUIRE(device.run({}, again, variant) == MS_OK);
            REQUIRE(again == first);
        }
    }
}

TEST_CASE("scatter2scatter with NF4 weights equals the reference", "[gpu][scatter2scatter][nf4][small]") {
    skip_without_gpu();
    for (const std::int32_t nested : {0, 256}) {
        check_shape({.w_transposed = true, .nf4_block = 64, .nested_block = nested});
        check_shape({.tokens = 90,
                     .k = 288,
                     .n = 77,
                     .dtype = MS_F16,
                     .y_dtype = MS_F32,
                     .w_transposed = true,
                     .bias = true,
                     .sentinels = true,
                     .nf4_block = 32,
                     .nested_block = nested});
        check_shape({.tokens = 1, .experts = 8, .top_k = 8, .k = 96, .w_transposed = true, .nf4_block = 4096, .nested_block = nested});
        check_shape({.tokens = 333, .experts = 1, .top_k = 1, .k = 544, .n = 264, .w_transposed = true, .nf4_block = 128, .nested_block = nested});
        check_shape({.tokens = 129, .experts = 3, .top_k = 1, .rank = 8, .variant = MS_S2S_EXTRA_K, .w_transposed = true,
                     .only_expert = 1, .nf4_block = 64, .nested_block = nested});
    }
}

TEST_CASE("LoRA beside NF4 weights equals the reference", "[gpu][scatter2scatter][nf4]") {
    skip_without_gpu();
    for (const ms_s2s_variant variant : {MS_S2S_EXTRA_K, MS_S2S_SPLIT})
        for (const std::int32_t rank : {1, 8, 16, 33, 64, 130, 256})
            check_shape({.tokens = 150,
                         .experts = 9,
                         .k = 416,
                         .n = 168,
                         .rank = rank,
                         .variant = variant,
                         .w_transposed = true,
                         .nf4_block = 64,
                         .nested_block = rank % 2 ? 256 : 0});
}

TEST_CASE("every NF4 tile computes the same result", "[gpu][scatter2scatter][nf4]") {
    skip_without_gpu();
    const S2sShape shape{.tokens = 300, .k = 544, .n = 264, .rank = 17, .variant = MS_S2S_EXTRA_K, .w_transposed = true,
                         .bias = true, .nf4_block = 64};
    const S2sCase c(shape);
    ms_scatter2scatter_args args = shape_args(shape);
    args.w_nf4 = &c.nf4_view;
    const std::vector<ms_tile_config> configs = scatter2scatter::candidate_configs(args);
    REQUIRE(configs.size() > 20);
    std::vector<ms_scatter2scatter_args> calls;
    for (const ms_tile_config &config : configs)
        calls.push_back(args), calls.back().config = config;
    compile_in_parallel(calls);
    DeviceCase device(c);
    const std::vector<std::uint8_t> expected = expected_y(c);
    int most_smem = 0;
    REQUIRE(cudaDeviceGetAttribute(&most_smem, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess);
    for (std::size_t i = 0; i < configs.size(); ++i)
        if (scatter2scatter::dynamic_smem_bytes(calls[i], configs[i]) <= most_smem)
            check_run(c, device, expected, configs[i]);
}

TEST_CASE("random NF4 problems equal the reference", "[gpu][scatter2scatter][nf4]") {
    skip_without_gpu();
    Random random(17);
    const auto one_of = [&](std::int32_t low, std::int32_t high) { return uniform_ints(1, low, high, random)[0]; };
    for (int i = 0; i < 25; ++i) {
        const std::int32_t experts = one_of(1, 40);
        check_shape({.tokens = one_of(1, 200),
                     .experts = experts,
                     .top_k = std::min(experts, one_of(1, 4)),
                     .k = 32 * one_of(1, 20),
                     .n = one_of(1, 400),
                     .rank = 16 * one_of(0, 2),
                     .dtype = MS_BF16,
                     .variant = MS_S2S_EXTRA_K,
                     .w_transposed = true,
                     .x_grouped = one_of(0, 1) == 1,
                     .y_grouped = one_of(0, 1) == 1,
                     .sentinels = one_of(0, 1) == 1,
                     .nf4_block = 32 << one_of(0, 4),
                     .nested_block = one_of(0, 1) * 64});
    }
}

TEST_CASE("scatter2scatter with NF4 weights repeats itself to the bit", "[gpu][scatter2scatter][nf4][determinism]") {
    skip_without_gpu();
    const S2sCase c({.tokens = 300, .experts = 16, .k = 512, .n = 384, .rank = 16, .y_dtype = MS_F32, .variant = MS_S2S_EXTRA_K,
                     .w_transposed = true, .nf4_block = 64, .nested_block = 256});
    DeviceCase device(c);
    std::vector<std::uint8_t> first, again;
    REQUIRE(device.run({}, first, MS_S2S_EXTRA_K) == MS_OK);
    int different = 0;
    for (int run = 0; run < 100; ++run) {
        REQUIRE(device.run({}, again, MS_S2S_EXTRA_K) == MS_OK);
        different += again != first;
    }
    CHECK(different == 0);
}

TEST_CASE("what the NF4 kernel lacks is refused with the way out", "[gpu][scatter2scatter][nf4][small]") {
    skip_without_gpu();
    const auto refuses = [](const S2sShape &shape, const ms_tile_config &config, const char *message) {
        const S2sCase c(shape);
        DeviceCase device(c);
        std::vector<std::uint8_t> y;
        CHECK(device.run(config, y, shape.variant) != MS_OK);
        CHECK_THAT(ms_last_error(), ContainsSubstring(message));
    };
    refuses({.nf4_block = 64}, {}, "w_transposed");
    refuses({.k = 72, .w_transposed = true, .nf4_block = 64}, {}, "multiple of 32");
    refuses({.rank = 8, .w_transposed = true, .nf4_block = 64}, {}, "MS_S2S_EXTRA_K");
    refuses({.w_transposed = true, .nf4_block = 64}, {16, 32, 16, 1, 2}, "config.block_k is 16");
}

TEST_CASE("experts beyond 2^31 weight elements are found", "[gpu][scatter2scatter]") {
    skip_without_gpu();
    // 40 experts of 8192 x 8192; only the last one has tokens and anything but poison in it.
    const std::int32_t experts = 40, side = 8192;
    const std::size_t expert_numel = std::size_t(side) * side, bytes = experts * expert_numel * 2;
    std::size_t available = 0, total = 0;
    require_cuda(cudaMemGetInfo(&available, &total));
    if (available < bytes + (std::size_t(1) << 30))
        SKIP("needs " << bytes << " bytes of device memory, " << available << " are free");
    for (const bool transposed : {false, true}) {
        const S2sCase c({.tokens = 5,
                         .experts = 1,
                         .top_k = 1,
                         .k = side,
                         .n = side,
                         .w_transposed = transposed});
        const std::vector<std::uint8_t> expected = expected_y(c);
        DeviceArray<std::uint16_t> w(experts * expert_numel), x(c.x), y(c.y_elements());
        require_cuda(cudaMemcpy(w.data() + (experts - 1) * expert_numel, c.w.data(),
                                expert_numel * 2, cudaMemcpyHostToDevice));
        std::vector<std::int32_t> host_offsets(experts + 1, 0);
        host_offsets.back() = 5;
        DeviceArray<std::int32_t> offsets(host_offsets), sorted_slots(c.sorted_slots);
        ms_scatter2scatter_args args = c.args(y.data());
        args.experts = experts;
        args.x = x.data();
        args.w = w.data();
        args.offsets = offsets.data();
        args.sorted_slots = sorted_slots.data();
        REQUIRE(ms_scatter2scatter_default_config(&args, &args.config) == MS_OK);
        std::vector<std::int32_t> host_tiles(
            2 * ms_max_tiles(args.slots, experts, args.config.block_m), -1);
        host_tiles[0] = experts - 1;
        host_tiles[1] = 0;
        DeviceArray<std::int32_t> tiles(host_tiles);
        args.tiles = reinterpret_cast<const ms_tile *>(tiles.data());
        REQUIRE(ms_scatter2scatter(&args, nullptr) == MS_OK);
        const std::vector<std::uint16_t> actual = y.download();
        std::vector<std::uint8_t> actual_bytes(actual.size() * 2);
        std::memcpy(actual_bytes.data(), actual.data(), actual_bytes.size());
        CHECK(difference(decode(actual_bytes, MS_BF16), decode(expected, MS_BF16), 0x1p-7, 1e-4) ==
              "");
    }
}

TEST_CASE("a tile too large for the device's shared memory is refused with the bytes",
          "[gpu][scatter2scatter]") {
    skip_without_gpu();
    const S2sCase c({});
    DeviceCase device(c);
    std::vector<std::uint8_t> y;
    CHECK(device.run({128, 256, 128, 8, 6}, y, MS_S2S_FUSED) == MS_UNSUPPORTED);
    CHECK_THAT(ms_last_error(),
               ContainsSubstring("590336 bytes") && ContainsSubstring("this device has"));
}

TEST_CASE("a call without a schedule is refused, and one without slots succeeds",
          "[gpu][scatter2scatter][small]") {
    skip_without_gpu();
    const S2sCase c({});
    DeviceArray<std::uint8_t> any(1024);
    ms_scatter2scatter_args args =
        c.args(any.data()); // pointers are checked before anything is launched
    args.tiles = nullptr;
    CHECK(ms_scatter2scatter(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("tiles is null"));
    args.slots = 0;
    CHECK(ms_scatter2scatter(&args, nullptr) == MS_OK);
}

// ---- Hopper's own family of tiles

namespace {

void skip_without_hopper() {
    skip_without_gpu();
    int major = 0;
    require_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    if (major != 9)
        SKIP("not a Hopper GPU");
}

constexpr ms_tile_config wgmma_tile(std::int32_t block_m, std::int32_t block_n,
                                    std::int32_t stages) {
    return {block_m, block_n, 64, 12, stages, MS_TILE_WGMMA};
}

constexpr ms_tile_config kWgmmaTiles[] = {wgmma_tile(288, 128, 4), wgmma_tile(160, 128, 3),
                                          wgmma_tile(128, 256, 4), wgmma_tile(64, 128, 8),
                                          wgmma_tile(32, 256, 2)};

} // namespace

TEST_CASE("every wgmma tile computes the same result", "[gpu][scatter2scatter][wgmma]") {
    skip_without_hopper();
    std::vector<S2sShape> shapes;
    for (const bool transposed : {false, true})
        for (const std::int32_t rank : {0, 20, 72})
            shapes.push_back({.tokens = 330,
                              .k = 200,
                              .n = 344,
                              .rank = rank,
                              .y_dtype = rank == 20 ? MS_F32 : MS_BF16,
                              .variant = MS_S2S_EXTRA_K,
                              .w_transposed = transposed,
                              .bias = rank == 0,
                              .x_grouped = transposed != (rank == 20),
                              .y_grouped = transposed,
                              .lora_b_transposed = rank == 72 && transposed});
    std::vector<ms_scatter2scatter_args> calls;
    for (const S2sShape &shape : shapes)
        for (const ms_tile_config &config : kWgmmaTiles)
            calls.push_back(shape_args(shape)), calls.back().config = config;
    compile_in_parallel(calls);
    for (const S2sShape &shape : shapes) {
        const S2sCase c(shape);
        DeviceCase device(c);
        const std::vector<std::uint8_t> expected = expected_y(c);
        for (const ms_tile_config &config : kWgmmaTiles)
            check_run(c, device, expected, config);
    }
}

TEST_CASE("a wgmma tile takes any number of rows", "[gpu][scatter2scatter][wgmma]") {
    skip_without_hopper();
    for (const ms_tile_config &config : {wgmma_tile(288, 128, 4), wgmma_tile(128, 256, 4)})
        for (std::int32_t tokens = 1; tokens <= 304; tokens += 1 + tokens / 16 * 4)
            check_shape({.tokens = tokens,
                         .experts = 3,
                         .top_k = 1,
                         .k = 72,
                         .n = 136,
                         .only_expert = 1},
                        config);
}

TEST_CASE("wgmma tiles of small problems", "[gpu][scatter2scatter][wgmma][small]") {
    skip_without_hopper();
    for (const ms_tile_config &config : {wgmma_tile(288, 128, 2), wgmma_tile(64, 256, 3)}) {
        check_shape({}, config);
        check_shape({.tokens = 1, .experts = 1, .top_k = 1, .k = 8, .n = 8}, config);
        check_shape({.tokens = 9, .experts = 256, .top_k = 4, .k = 136, .n = 152}, config);
        check_shape({.tokens = 45, .n = 77, .y_dtype = MS_F32, .w_transposed = true, .y_padding = 1},
                    config);
        for (const std::int32_t rank : {3, 16, 130})
            check_shape({.tokens = 61,
                         .experts = 5,
                         .k = 136,
                         .n = 152,
                         .rank = rank,
                         .variant = rank == 130 ? MS_S2S_SPLIT : MS_S2S_EXTRA_K,
                         .bias = true,
                         .x_grouped = rank == 16,
                         .sentinels = true},
                        config);
    }
}

TEST_CASE("weights beyond 2^31 elements are reached", "[gpu][scatter2scatter][wgmma]") {
    skip_without_hopper();
    constexpr std::int32_t kExperts = 140, kSide = 4096; // 2.35e9 elements, 4.7 GB
    constexpr std::size_t kMatrix = std::size_t(kSide) * kSide;
    const S2sCase c({.tokens = 50, .experts = 1, .top_k = 1, .k = kSide, .n = kSide, .only_expert = 0});
    DeviceCase alone(c);
    std::vector<std::uint8_t> expected;
    REQUIRE(alone.run(wgmma_tile(64, 256, 5), expected, MS_S2S_FUSED) == MS_OK);
    std::uint16_t *w = nullptr;
    require_cuda(cudaMalloc(reinterpret_cast<void **>(&w), kExperts * kMatrix * 2));
    require_cuda(cudaMemset(w, 0x3F, kExperts * kMatrix * 2));
    require_cuda(cudaMemcpy(w + (kExperts - 1) * kMatrix, c.w.data(), kMatrix * 2,
                            cudaMemcpyHostToDevice));
    std::vector<std::int32_t> offsets(kExperts + 1, 0);
    offsets.back() = 50;
    DeviceArray<std::uint16_t> x(c.x);
    DeviceArray<std::int32_t> device_offsets(offsets), slots(c.sorted_slots);
    DeviceArray<std::uint8_t> y(c.y_bytes());
    ms_scatter2scatter_args args = c.args(y.data());
    args.experts = kExperts;
    args.x = x.data();
    args.w = w;
    args.offsets = device_offsets.data();
    args.sorted_slots = slots.data();
    for (const ms_tile_config &config : {wgmma_tile(64, 256, 5), ms_tile_config{64, 128, 64, 4, 4, 0}}) {
        args.config = config;
        std::vector<std::int32_t> tiles(2 * ms_max_tiles(50, kExperts, 64), -1);
        tiles[0] = kExperts - 1;
        tiles[1] = 0;
        DeviceArray<std::int32_t> device_tiles(tiles);
        args.tiles = reinterpret_cast<const ms_tile *>(device_tiles.data());
        y.poison();
        REQUIRE(ms_scatter2scatter(&args, nullptr) == MS_OK);
        CHECK(difference(decode(y.download(), MS_BF16), decode(expected, MS_BF16), 0x1p-7, 2e-5) == "");
    }
    cudaFree(w);
}
