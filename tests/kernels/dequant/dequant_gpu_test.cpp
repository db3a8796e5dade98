#include "kernels/dequant/nf4.h"
#include "kernels/inputs/inputs.h"
#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <type_traits>

using namespace moescope;
using namespace moescope::test;

namespace {

struct Layout {
    ms_weight_format format = MS_WEIGHTS_NF4;
    std::int32_t block = 64, nested = 0; // NF4, FP4
    std::int32_t columns = 0;            // FP8
    bool own_code = true;                // NF4, FP4: the format's own table, not one that is given
};

// Random weights; every array in host and in device memory. values_offset: bytes by which the packed
// values are off their alignment.
class Weights {
  public:
    Weights(std::int32_t experts, std::int64_t numel, const Layout &layout, ms_dtype dense_dtype = MS_BF16,
            std::size_t values_offset = 0)
        : layout_(layout), experts_(experts), numel_(numel), offset_(values_offset) {
        Random random(std::uint64_t(3 + numel));
        const std::int64_t count = experts * numel;
        const std::int64_t bytes = is_4bit(layout.format)               ? (count + 1) / 2
                                   : layout.format == MS_WEIGHTS_DENSE ? count * size_of(dense_dtype)
                                                                       : count;
        values_ = add(random_bytes(std::size_t(bytes) + values_offset, random));
        const auto blocks = std::size_t((count + layout.block - 1) / layout.block);
        const auto nested_blocks = layout.nested ? (blocks + std::size_t(layout.nested) - 1) / std::size_t(layout.nested) : 0;
        absmax_ = add(uniform_values(layout.nested ? 0 : blocks, 0.001f, 2.0f, random));
        absmax_u8_ = add(random_bytes(layout.nested ? blocks : 0, random));
        const auto code = make_dynamic_code();
        nested_code_ = add(std::vector<float>(code.begin(), code.end()));
        nested_absmax_ = add(uniform_values(nested_blocks, 0.001f, 2.0f, random));
        code_ = add(uniform_values(16, -1.0f, 1.0f, random));
        scales_ = add(uniform_values(std::size_t(scale_count()), 0.001f, 2.0f, random));
        exponents_ = add(random_exponents(std::size_t((count + 31) / 32), random));
    }

    ms_expert_weights host() const { return view([](const auto &array) { return array.host.data(); }); }
    ms_expert_weights device() const { return view([](const auto &array) { return array.device->data(); }); }

  private:
    template <class T> struct Array {
        std::vector<T> host;
        std::shared_ptr<DeviceArray<T>> device;
    };
    template <class T> static Array<T> add(std::vector<T> host) {
        auto device = std::make_shared<DeviceArray<T>>(host);
        return {std::move(host), std::move(device)};
    }
    static std::vector<std::uint8_t> random_bytes(std::size_t count, Random &random) {
        std::vector<std::uint8_t> bytes(count);
        for (std::uint8_t &byte : bytes)
            byte = std::uint8_t(random());
        return bytes;
    }
    // Of ordinary weights, and the ends: subnormal, largest, NaN.
    static std::vector<std::uint8_t> random_exponents(std::size_t count, Random &random) {
        std::vector<std::uint8_t> bytes(count);
        constexpr std::uint8_t kEnds[] = {0, 1, 254, 255};
        for (std::uint8_t &byte : bytes)
            byte = random() % 8 == 0 ? kEnds[random() % 4] : std::uint8_t(110 + random() % 30);
        return bytes;
    }
    std::int64_t scale_count() const {
        if (!is_fp8(layout_.format) || layout_.format == MS_WEIGHTS_FP8_TENSOR)
            return experts_;
        const std::int64_t rows = numel_ / layout_.columns;
        if (layout_.format == MS_WEIGHTS_FP8_ROW)
            return experts_ * rows;
        return experts_ * ((rows + 127) / 128) * ((layout_.columns + 127) / 128);
    }

    template <class Data> ms_expert_weights view(Data data) const {
        ms_expert_weights weights{};
        weights.format = layout_.format;
        weights.experts = experts_;
        weights.expert_numel = numel_;
        weights.values = data(values_) + offset_;
        weights.block_size = layout_.block;
        weights.code = layout_.own_code ? nullptr : data(code_);
        weights.absmax = layout_.nested ? nullptr : data(absmax_);
        weights.absmax_u8 = layout_.nested ? data(absmax_u8_) : nullptr;
        weights.nested_code = data(nested_code_);
        weights.nested_absmax = data(nested_absmax_);
        weights.nested_offset = 0.25f;
        weights.nested_block = layout_.nested;
        weights.columns = layout_.columns;
        weights.scales = data(scales_);
        weights.exponents = data(exponents_);
        return weights;
    }

    Layout layout_;
    std::int32_t experts_;
    std::int64_t numel_;
    std::size_t offset_;
    Array<std::uint8_t> values_, absmax_u8_, exponents_;
    Array<float> absmax_, nested_code_, nested_absmax_, code_, scales_;
};

// A NaN of any payload becomes one of a fixed one; the poison is none.
std::vector<std::uint8_t> one_nan(std::vector<std::uint8_t> bytes, ms_dtype dtype) {
    const std::vector<float> values = decode(bytes, dtype);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (std::isnan(values[i]))
            store_from_float(bytes.data(), dtype, std::int64_t(i), std::numeric_limits<float>::quiet_NaN());
    return bytes;
}

// Which experts a call is about: all, those of a list, or those of ids.
struct Which {
    std::optional<std::vector<std::int32_t>> active = std::nullopt;
    std::int32_t count = 0;
    std::optional<std::vector<std::int32_t>> ids = std::nullopt;
    bool scratch = false;
};

// Dequantises on both sides into a poisoned output and compares every element of it, also of rows
// and of red zones that must stay as they are.
void check_dequant(const Weights &weights, ms_dtype dtype, const Which &which, std::int32_t capacity,
                   std::size_t offset = 0) {
    const auto size = std::size_t(size_of(dtype));
    const auto experts = std::size_t(weights.host().experts);
    const std::size_t elements = std::size_t(capacity) * std::size_t(weights.host().expert_numel) + offset;
    DeviceArray<std::uint8_t> device(elements * size);
    std::vector<std::uint8_t> expected = device.download();
    std::vector<std::int32_t> active = which.active.value_or(std::vector<std::int32_t>(experts, 9)),
                              remap(experts, 9), count{which.count},
                              ids = which.ids.value_or(std::vector<std::int32_t>{});
    ids.reserve(1); // no ids are an array too
    DeviceArray<std::int32_t> device_active(active), device_remap(remap), device_count(count), device_ids(ids);

    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = dtype;
    args.capacity = capacity;
    args.slots = std::int64_t(ids.size());
    args.weights = weights.device();
    const bool listed = which.active || which.ids;
    args.ids = which.ids ? device_ids.data() : nullptr;
    args.active = listed ? device_active.data() : nullptr;
    args.remap = device_remap.data();
    args.count = device_count.data();
    args.out = device.data() + offset * size;
    DeviceArray<std::uint32_t> scratch(std::vector<std::uint32_t>{0, 0});
    args.scratch = which.scratch ? scratch.data() : nullptr;
    REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);
    CHECK(difference(scratch.download(), {0, 0}) == "");

    args.weights = weights.host();
    args.ids = which.ids ? ids.data() : nullptr;
    args.active = listed ? active.data() : nullptr;
    args.remap = remap.data();
    args.count = count.data();
    args.out = expected.data() + offset * size;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(difference(one_nan(device.download(), dtype), one_nan(expected, dtype)) == "");
    CHECK(difference(device_active.download(), active) == "");
    CHECK(difference(device_remap.download(), remap) == "");
    CHECK(difference(device_count.download(), count) == "");
}

struct Active {
    std::vector<std::int32_t> active, remap, count;
};

void check_active_experts(std::int32_t experts, const std::vector<std::int32_t> &ids) {
    INFO(experts << " experts, " << ids.size() << " ids");
    const auto size = std::size_t(experts);
    Active expected{std::vector<std::int32_t>(size), std::vector<std::int32_t>(size), {0}};
    ms_active_experts_args args{};
    args.struct_size = sizeof args;
    args.experts = experts;
    args.slots = std::int64_t(ids.size());
    args.ids = ids.data();
    args.active = expected.active.data();
    args.remap = expected.remap.data();
    args.count = expected.count.data();
    REQUIRE(reference::active_experts(&args, nullptr) == MS_OK);

    DeviceArray<std::int32_t> device_ids(ids), active(size), remap(size), count(1);
    args.ids = device_ids.data();
    args.active = active.data();
    args.remap = remap.data();
    args.count = count.data();
    for (int run = 0; run < 2; ++run) { // the second run starts from the first one's results
        REQUIRE(ms_active_experts(&args, nullptr) == MS_OK);
        CHECK(difference(active.download(), expected.active) == "");
        CHECK(difference(remap.download(), expected.remap) == "");
        CHECK(difference(count.download(), expected.count) == "");
    }
}

void check_select(std::int64_t row_bytes, std::size_t offset,
                  const std::vector<std::int32_t> &active, std::int32_t count,
                  std::int32_t capacity) {
    INFO("rows of " << row_bytes << " bytes, " << offset << " bytes off alignment");
    const std::int32_t experts = 9;
    std::vector<std::uint8_t> src(std::size_t(experts * row_bytes) + offset);
    const FillBytesArgs fill{src.data(), std::int64_t(src.size()), 1, 1};
    REQUIRE(reference::fill_bytes(&fill, nullptr) == MS_OK);
    DeviceArray<std::uint8_t> device_src(src), device(std::size_t(capacity * row_bytes) + offset);
    DeviceArray<std::int32_t> device_active(active), device_count(std::vector{count});
    std::vector<std::uint8_t> expected = device.download();
    ms_select_experts_args args{sizeof args, device_src.data() + offset, row_bytes,
                                experts,     device_active.data(),       device_count.data(),
                                capacity,    device.data() + offset};
    REQUIRE(ms_select_experts(&args, nullptr) == MS_OK);
    args = {sizeof args, src.data() + offset,     row_bytes, experts, active.data(), &count,
            capacity,    expected.data() + offset};
    REQUIRE(reference::select_experts(&args, nullptr) == MS_OK);
    CHECK(difference(device.download(), expected) == "");
}

void check_compact(std::int32_t experts, std::int32_t capacity, std::int32_t most, Random &random) {
    std::vector<std::int32_t> offsets = uniform_ints(std::size_t(experts) + 1, 0, most, random);
    offsets[0] = 0;
    std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
    INFO(experts << " experts, capacity " << capacity);
    std::vector<std::int32_t> active(static_cast<std::size_t>(capacity)), compact(std::size_t(capacity) + 1);
    std::int32_t count = 0;
    ms_compact_experts_args args{sizeof args, experts, offsets.data(), active.data(), &count, compact.data(), capacity};
    REQUIRE(reference::compact_experts(&args, nullptr) == MS_OK);
    DeviceArray<std::int32_t> device_offsets(offsets), device_active(active.size()), device_compact(compact.size()),
        device_count(1);
    args = {sizeof args,          experts, device_offsets.data(), device_active.data(), device_count.data(),
            device_compact.data(), capacity};
    REQUIRE(ms_compact_experts(&args, nullptr) == MS_OK);
    CHECK(difference(device_active.download(), active) == "");
    CHECK(difference(device_compact.download(), compact) == "");
    CHECK(difference(device_count.download(), {count}) == "");
}

} // namespace

TEST_CASE("CUDA finds the experts with slots and their places", "[gpu][small][dequant]") {
    skip_without_gpu();
    Random random(29);
    for (const std::int32_t experts : {1, 3, 64, 255, 256, 1023, 4096})
        for (const std::int32_t most : {0, 1, 40})
            for (const std::int32_t capacity : {1, experts})
                check_compact(experts, capacity, most, random);
}

TEST_CASE("CUDA dequantises all experts to the reference's bits", "[gpu][small][dequant]") {
    skip_without_gpu();
    // Rows of whole words, of one block, straddled by blocks, odd (the nibble phase alternates).
    for (const std::int64_t numel : {1, 8, 33, 64, 96, 97, 1000, 2 * 8192 + 24, 8193})
        for (const std::int32_t nested : {0, 2, 256}) {
            INFO("expert_numel " << numel << ", nested " << nested);
            const Weights weights(5, numel, {.nested = nested});
            for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
                check_dequant(weights, dtype, {}, 5);
        }
}

TEST_CASE("CUDA dequantises every block size", "[gpu][small][dequant]") {
    skip_without_gpu();
    for (std::int32_t block = 32; block <= 4096; block *= 2) {
        INFO("block size " << block);
        const Weights aligned(3, 5000, {.block = block, .nested = 4, .own_code = false}),
            odd(3, 4999, {.format = MS_WEIGHTS_FP4, .block = block});
        check_dequant(aligned, MS_BF16, {}, 3);
        check_dequant(odd, MS_BF16, {}, 3);
    }
}

TEST_CASE("CUDA dequantises FP4 and MXFP4 to the reference's bits", "[gpu][small][dequant]") {
    skip_without_gpu();
    for (const ms_weight_format format : {MS_WEIGHTS_FP4, MS_WEIGHTS_MXFP4})
        for (const std::int64_t numel : {1, 8, 31, 64, 1001, 4096, 8192 + 40}) {
            INFO("format " << format << ", expert_numel " << numel);
            const Weights weights(4, numel, {.format = format});
            for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16}) {
                check_dequant(weights, dtype, {}, 4);
                check_dequant(weights, dtype, {.active = std::vector{3, 1, -1, -1}, .count = 2}, 4);
            }
        }
}

TEST_CASE("CUDA dequantises FP8 with every layout of scales", "[gpu][small][dequant]") {
    skip_without_gpu();
    struct Shape {
        std::int64_t rows;
        std::int32_t columns;
    };
    for (const ms_weight_format format : {MS_WEIGHTS_FP8_TENSOR, MS_WEIGHTS_FP8_ROW, MS_WEIGHTS_FP8_BLOCK})
        for (const Shape shape : {Shape{1, 1}, {3, 8}, {5, 33}, {2, 128}, {129, 136}, {130, 256}, {7, 1000}, {300, 24}}) {
            INFO("format " << format << ", " << shape.rows << " x " << shape.columns);
            const Weights weights(3, shape.rows * shape.columns, {.format = format, .columns = shape.columns});
            for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16}) {
                check_dequant(weights, dtype, {}, 3);
                check_dequant(weights, dtype, {.active = std::vector{2, 0}, .count = 2}, 2);
            }
        }
}

TEST_CASE("CUDA copies dense experts, whatever their bits", "[gpu][small][dequant]") {
    skip_without_gpu();
    for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
        for (const std::int64_t numel : {1, 7, 64, 5000}) {
            const Weights weights(4, numel, {.format = MS_WEIGHTS_DENSE}, dtype);
            check_dequant(weights, dtype, {}, 4);
            check_dequant(weights, dtype, {.active = std::vector{3, 1}, .count = 2}, 2);
            check_dequant(weights, dtype, {.ids = std::vector{2, 2, 9, 0}}, 3);
        }
}

TEST_CASE("CUDA dequantises the active experts alone and leaves the other rows as they are",
          "[gpu][small][dequant]") {
    skip_without_gpu();
    for (const std::int64_t numel : {96, 97, 8200}) {
        INFO("expert_numel " << numel);
        const Weights weights(6, numel, {.nested = 4});
        const auto check = [&](const std::vector<std::int32_t> &active, std::int32_t count, std::int32_t capacity) {
            check_dequant(weights, MS_BF16, {.active = active, .count = count}, capacity);
        };
        check({1, 2, 5, -1, -1, -1}, 3, 6);
        check({0, 1, 2, 3, 4, 5}, 6, 6);
        check({-1, -1}, 0, 2);      // no active expert
        check({5, 4, 3, 2}, 4, 2);  // more than there is room for
        check({-3, 6, 2}, 3, 3);    // ids that are no expert
        check({1, 2}, -5, 2);
    }
}

TEST_CASE("CUDA finds the experts of ids in the call that dequantises them", "[gpu][small][dequant]") {
    skip_without_gpu();
    Random random(7);
    for (const std::int64_t numel : {64, 97, 4096}) {
        const Weights weights(40, numel, {});
        check_dequant(weights, MS_BF16, {.ids = std::vector<std::int32_t>{}}, 4);
        check_dequant(weights, MS_BF16, {.ids = std::vector{39}}, 1);
        check_dequant(weights, MS_BF16, {.ids = std::vector{39}, .scratch = true}, 1);
        check_dequant(weights, MS_BF16, {.ids = std::vector{-1}, .scratch = true}, 1);
        check_dequant(weights, MS_BF16, {.active = std::vector{7, -1, 40, 3}, .count = 4, .scratch = true}, 4);
        check_dequant(weights, MS_BF16, {.ids = std::vector{-1, 40, 2147483647}}, 3);
        check_dequant(weights, MS_BF16, {.ids = std::vector{5, 7, 5, 31, 32, 33, 0}}, 4); // six, and room for four
        for (const std::size_t slots : {8, 33, 1000, 5000})
            check_dequant(weights, MS_BF16, {.ids = uniform_ints(slots, -1, 40, random)}, 40);
    }
    const Weights many(4096, 32, {.format = MS_WEIGHTS_MXFP4});
    for (const std::size_t slots : {1, 512, 4096, 30000})
        check_dequant(many, MS_F16, {.ids = uniform_ints(slots, 0, 4095, random)}, 4096);
}

TEST_CASE("CUDA dequantises from and into arrays off their alignment", "[gpu][small][dequant]") {
    skip_without_gpu();
    for (const ms_weight_format format : {MS_WEIGHTS_NF4, MS_WEIGHTS_FP8_TENSOR, MS_WEIGHTS_MXFP4})
        for (const std::size_t values_offset : {0, 1, 4, 8}) {
            const Weights weights(3, 640, {.format = format}, MS_BF16, values_offset);
            for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
                for (const std::size_t out_offset : {0, 1})
                    check_dequant(weights, dtype, {}, 3, out_offset);
        }
}

TEST_CASE("CUDA dequantises many experts through many blocks", "[gpu][dequant]") {
    skip_without_gpu();
    std::vector<std::int32_t> active;
    for (std::int32_t expert = 1; expert < 130; expert += 3)
        active.push_back(expert);
    const auto count = std::int32_t(active.size());
    for (const Layout &layout : {Layout{.nested = 256}, Layout{.format = MS_WEIGHTS_FP8_BLOCK, .columns = 1056},
                                 Layout{.format = MS_WEIGHTS_MXFP4}}) {
        const Weights weights(130, 64 * 1056, layout);
        check_dequant(weights, MS_BF16, {}, 130);
        check_dequant(weights, MS_F16, {.active = active, .count = count}, count);
        check_dequant(weights, MS_BF16, {.ids = active}, 130);
        check_dequant(weights, MS_BF16, {.active = active, .count = count, .scratch = true}, 130);
        check_dequant(weights, MS_BF16, {.ids = active, .scratch = true}, 130);
    }
}

TEST_CASE("CUDA dequantises random shapes of every format as the reference does", "[gpu][dequant]") {
    skip_without_gpu();
    Random random(11);
    const auto below = [&](std::uint64_t bound) { return std::int32_t(random() % bound); };
    for (int round = 0; round < 300; ++round) {
        Layout layout{.format = below(7), .block = 32 << below(8), .nested = below(2) ? 1 << below(9) : 0,
                      .columns = 1 + below(below(2) ? 40 : 400), .own_code = below(2) == 0};
        if (below(2))
            layout.columns *= 8;
        const std::int32_t experts = 1 + below(9);
        const std::int64_t numel = is_fp8(layout.format) ? layout.columns * std::int64_t(1 + below(200))
                                                         : 1 + below(below(2) ? 300 : 30000);
        const ms_dtype dtype = below(3);
        const std::size_t values_offset = layout.format != MS_WEIGHTS_DENSE && below(4) == 0 ? std::size_t(1 + below(7)) : 0;
        const Weights weights(experts, numel, layout, dtype, values_offset);
        INFO("round " << round << ": format " << layout.format << ", " << experts << " experts of " << numel
                      << ", columns " << layout.columns << ", block " << layout.block << ", nested " << layout.nested
                      << ", dtype " << dtype << ", offset " << values_offset);
        Which which;
        if (below(3) == 0)
            which.active = uniform_ints(std::size_t(experts), -1, experts, random);
        else if (below(2) == 0)
            which.ids = uniform_ints(std::size_t(below(50)), -1, experts, random);
        which.scratch = below(2) == 0;
        which.count = below(std::uint64_t(experts) + 1);
        check_dequant(weights, dtype, which, experts, std::size_t(below(3) == 0 ? below(8) : 0));
    }
}

TEST_CASE("CUDA dequantises into an output, and of a list, that the calls just before it still work on", "[gpu][dequant]") {
    skip_without_gpu();
    const std::int32_t experts = 24, listed = experts / 2;
    const std::int64_t numel = 128 * 1024;
    const Weights weights[] = {{experts, numel, {}}, {experts, numel, {.format = MS_WEIGHTS_FP4}}};
    std::vector<std::int32_t> ids[2];
    for (std::int32_t expert = 0; expert < experts; ++expert)
        ids[expert % 2].push_back(expert);
    DeviceArray<std::int32_t> device_ids[] = {DeviceArray<std::int32_t>(ids[0]), DeviceArray<std::int32_t>(ids[1])},
                              active(experts), remap(experts), count(1);
    DeviceArray<std::uint32_t> scratch(std::vector<std::uint32_t>{0, 0});
    DeviceArray<std::uint16_t> out(std::size_t(listed * numel));
    for (const bool queued : {false, true})
        for (const bool found_before : {false, true})
            for (const int calls : {9, 10}) {
                INFO(calls << " calls, queued " << queued << ", the list made before each " << found_before);
                const int last = (calls - 1) % 2;
                for (int call = 0; call < calls; ++call) {
                    const int which = found_before ? call % 2 : last;
                    const ms_active_experts_args find{sizeof find,   experts,      device_ids[which].data(), listed,
                                                      active.data(), remap.data(), count.data()};
                    if (found_before || call == 0)
                        REQUIRE(ms_active_experts(&find, nullptr) == MS_OK);
                    ms_selective_dequant_args args{};
                    args.struct_size = sizeof args;
                    args.out_dtype = MS_BF16;
                    args.weights = weights[call % 2].device();
                    args.active = active.data();
                    args.count = count.data();
                    args.capacity = listed;
                    args.out = out.data();
                    args.scratch = queued ? scratch.data() : nullptr;
                    REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);
                }
                std::vector<std::uint16_t> expected(std::size_t(listed * numel));
                std::int32_t all = listed;
                ms_selective_dequant_args args{};
                args.struct_size = sizeof args;
                args.out_dtype = MS_BF16;
                args.weights = weights[last].host();
                args.active = ids[last].data();
                args.count = &all;
                args.capacity = listed;
                args.out = expected.data();
                REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
                CHECK(difference(out.download(), expected) == "");
            }
}

TEST_CASE("CUDA dequantises to the same bits 100 times", "[gpu][dequant][determinism]") {
    skip_without_gpu();
    Random random(5);
    const std::vector<std::int32_t> ids = uniform_ints(900, 0, 63, random);
    DeviceArray<std::int32_t> device_ids(ids), active(64), remap(64), count(1);
    DeviceArray<std::uint32_t> scratch(std::vector<std::uint32_t>{0, 0});
    for (ms_weight_format format = MS_WEIGHTS_NF4; format <= MS_WEIGHTS_DENSE; ++format) {
        INFO("format " << format);
        const std::int64_t numel = 96 * 1024;
        const Weights weights(64, numel, {.format = format, .columns = 1024});
        DeviceArray<std::uint16_t> out(std::size_t(64 * numel));
        ms_selective_dequant_args args{};
        args.struct_size = sizeof args;
        args.out_dtype = MS_BF16;
        args.weights = weights.device();
        args.ids = device_ids.data();
        args.slots = std::int64_t(ids.size());
        args.active = active.data();
        args.remap = remap.data();
        args.count = count.data();
        args.capacity = 64;
        args.out = out.data();
        args.scratch = scratch.data();
        std::vector<std::uint16_t> first;
        for (int run = 0; run < 100; ++run) {
            out.poison();
            REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);
            const std::vector<std::uint16_t> now = out.download();
            if (run == 0)
                first = now;
            REQUIRE(now == first);
        }
    }
}

TEST_CASE("an expert beyond 2^31 elements is found with 64-bit indices", "[gpu][dequant]") {
    skip_without_gpu();
    // The last of 5 experts begins past 2^32 elements: the first byte of its 4-bit codes is past 2^31.
    const std::int64_t numel = (std::int64_t(1) << 30) + 4096;
    const std::int32_t experts = 5;
    const std::int64_t kept = 4096; // the last expert's tail, one row of FP8's matrix
    std::size_t free = 0, total = 0;
    require_cuda(cudaMemGetInfo(&free, &total));
    if (free < std::size_t(experts * numel + experts * numel / 16 + 2 * numel) + (1u << 30))
        SKIP("needs 10 GiB of free device memory");
    DeviceArray<std::uint8_t> values{std::size_t(experts * numel)}, exponents{std::size_t(experts * numel / 32)};
    DeviceArray<float> scales{std::size_t(experts * numel / 64)};
    const FillBytesArgs fill{values.data(), experts * numel, 1, 1}, fill_exponents{exponents.data(), experts * numel / 32, 1, 2};
    REQUIRE(fill_bytes(&fill, nullptr) == MS_OK);
    REQUIRE(fill_bytes(&fill_exponents, nullptr) == MS_OK);
    const FillUniformArgs fill_scales{scales.data(), MS_F32, experts * numel / 64, 1, 3, 1.0f};
    REQUIRE(fill_uniform(&fill_scales, nullptr) == MS_OK);
    DeviceArray<std::int32_t> active(std::vector<std::int32_t>{experts - 1}), count(std::vector<std::int32_t>{1});
    DeviceArray<std::uint16_t> out{std::size_t(numel)};
    const auto tail_of = [&](auto *data, std::int64_t end, std::int64_t elements) {
        std::vector<std::remove_pointer_t<decltype(data)>> host(static_cast<std::size_t>(elements));
        require_cuda(cudaMemcpy(host.data(), data + end - elements, host.size() * sizeof host[0], cudaMemcpyDefault));
        return host;
    };
    for (const ms_weight_format format : {MS_WEIGHTS_NF4, MS_WEIGHTS_FP8_ROW, MS_WEIGHTS_MXFP4}) {
        INFO("format " << format);
        out.poison();
        ms_selective_dequant_args args{};
        args.struct_size = sizeof args;
        args.out_dtype = MS_BF16;
        args.weights.format = format;
        args.weights.experts = experts;
        args.weights.expert_numel = numel;
        args.weights.values = values.data();
        args.weights.block_size = 64;
        args.weights.absmax = scales.data();
        args.weights.columns = std::int32_t(kept);
        args.weights.scales = scales.data();
        args.weights.exponents = exponents.data();
        args.active = active.data();
        args.count = count.data();
        args.capacity = 1;
        args.out = out.data();
        REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);
        const std::vector<std::uint16_t> actual = tail_of(out.data(), numel, kept);

        const std::int64_t bytes = is_4bit(format) ? kept / 2 : kept;
        const std::int64_t end = is_4bit(format) ? experts * numel / 2 : experts * numel;
        const auto tail_values = tail_of(values.data(), end, bytes);
        const auto tail_absmax = tail_of(scales.data(), experts * numel / 64, kept / 64);
        const auto tail_scale = tail_of(scales.data(), experts * numel / kept, 1);
        const auto tail_exponents = tail_of(exponents.data(), experts * numel / 32, kept / 32);
        std::vector<std::uint16_t> expected(kept);
        args.weights.experts = 1;
        args.weights.expert_numel = kept;
        args.weights.values = tail_values.data();
        args.weights.absmax = tail_absmax.data();
        args.weights.scales = tail_scale.data();
        args.weights.exponents = tail_exponents.data();
        args.active = nullptr;
        args.out = expected.data();
        REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
        const auto as_floats = [](const std::vector<std::uint16_t> &bits) {
            std::vector<float> floats;
            for (const std::uint16_t each : bits)
                floats.push_back(bf16_to_float(each));
            return floats;
        };
        CHECK(difference(as_floats(actual), as_floats(expected), 0) == "");
    }
}

TEST_CASE("CUDA finds the active experts of few ids", "[gpu][small][dequant]") {
    skip_without_gpu();
    Random random(1);
    check_active_experts(1, {});
    check_active_experts(4096, {});
    check_active_experts(3, {-1, 3, -2147483647 - 1, 2147483647});
    check_active_experts(8, {7});
    for (const std::int32_t experts : {1, 31, 32, 33, 256, 1024, 1025, 4096})
        for (const std::size_t slots : {1, 32, 511, 513, 4096})
            check_active_experts(experts, uniform_ints(slots, -1, experts, random));
}

TEST_CASE("CUDA finds the active experts of many ids", "[gpu][small][dequant]") {
    skip_without_gpu();
    Random random(2);
    for (const std::int32_t experts : {1, 60, 1024, 4096})
        check_active_experts(experts, uniform_ints(5000, -1, experts, random));
    check_active_experts(4096, std::vector<std::int32_t>(4097, 4095)); // one expert alone, the last
    check_active_experts(40, std::vector<std::int32_t>(4097, -1));     // none
}

TEST_CASE("CUDA finds the active experts of millions of ids", "[gpu][dequant]") {
    skip_without_gpu();
    Random random(4);
    for (const std::int32_t experts : {256, 3000}) {
        std::vector<std::int32_t> ids = uniform_ints(3'000'001, 0, experts / 2, random);
        ids.back() = experts - 1;
        check_active_experts(experts, ids);
    }
}

TEST_CASE("CUDA copies the rows of the active experts, whatever their alignment", "[gpu][small][dequant]") {
    skip_without_gpu();
    for (const std::int64_t row_bytes : {2, 6, 4, 8, 24, 16, 48, 16 * 1024 + 16, 65538})
        for (const std::size_t offset : {0, 2, 4, 8})
            check_select(row_bytes, offset, {8, 0, 3, -1, 5}, 3, 5);
}

TEST_CASE("CUDA copies no row of a bad id, past the count or past the capacity", "[gpu][small][dequant]") {
    skip_without_gpu();
    check_select(64, 0, {9, 1, -1, 2}, 4, 4);
    check_select(64, 0, {1, 2, 3, 4}, 4, 2);
    check_select(64, 0, {1, 2}, 0, 2);
    check_select(64, 0, {1, 2}, -1, 2);
}

TEST_CASE("CUDA dequantisation refuses what the reference refuses", "[gpu][small][dequant]") {
    skip_without_gpu();
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    CHECK(ms_selective_dequant(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("weights.experts is 0") != std::string::npos);
    CHECK(ms_active_experts(nullptr, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(ms_select_experts(nullptr, nullptr) == MS_INVALID_ARGUMENT);
}
