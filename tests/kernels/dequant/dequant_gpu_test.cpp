#include "kernels/dequant/nf4.h"
#include "kernels/inputs/inputs.h"
#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"

#include <cstdint>
#include <optional>

using namespace moescope;
using namespace moescope::test;

namespace {

// Random packed weights; every array in host and in device memory.
class Weights {
  public:
    Weights(std::int32_t experts, std::int64_t numel, std::int32_t block, std::int32_t nested_block)
        : experts_(experts), numel_(numel), host_(make(experts * numel, block, nested_block)),
          packed_(host_.packed), code_(std::vector<float>(kNf4Code.begin(), kNf4Code.end())),
          absmax_(host_.absmax), absmax_u8_(host_.absmax_u8), nested_code_(host_.nested_code),
          nested_absmax_(host_.nested_absmax) {}

    ms_nf4_weights host() const { return host_.view(experts_, numel_); }
    ms_nf4_weights device() {
        ms_nf4_weights weights = host();
        weights.packed = packed_.data();
        weights.code = code_.data();
        weights.absmax = weights.absmax ? absmax_.data() : nullptr;
        weights.absmax_u8 = weights.absmax_u8 ? absmax_u8_.data() : nullptr;
        weights.nested_code = nested_code_.data();
        weights.nested_absmax = nested_absmax_.data();
        return weights;
    }

  private:
    static Nf4Array make(std::int64_t count, std::int32_t block, std::int32_t nested_block) {
        Random random(3);
        const std::vector<float> values = uniform_values(std::size_t(count), -2.0f, 2.0f, random);
        return quantize_nf4(values.data(), count, block, nested_block);
    }

    std::int32_t experts_;
    std::int64_t numel_;
    Nf4Array host_;
    DeviceArray<std::uint8_t> packed_;
    DeviceArray<float> code_, absmax_;
    DeviceArray<std::uint8_t> absmax_u8_;
    DeviceArray<float> nested_code_, nested_absmax_;
};

// Dequantises on both sides into a poisoned output and compares every byte of it, also of rows and
// of red zones that must stay as they are. No active list: all experts.
void check_dequant(Weights &weights, ms_dtype dtype,
                   const std::optional<std::vector<std::int32_t>> &active, std::int32_t count,
                   std::int32_t capacity, std::size_t offset = 0) {
    const auto size = std::size_t(size_of(dtype));
    const std::size_t elements =
        std::size_t(capacity) * std::size_t(weights.host().expert_numel) + offset;
    DeviceArray<std::uint8_t> device(elements * size);
    std::vector<std::uint8_t> expected = device.download();
    DeviceArray<std::int32_t> device_active(active.value_or(std::vector<std::int32_t>{})),
        device_count(std::vector{count});

    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = dtype;
    args.capacity = capacity;
    args.weights = weights.device();
    args.active = active ? device_active.data() : nullptr;
    args.count = device_count.data();
    args.out = device.data() + offset * size;
    REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);

    args.weights = weights.host();
    args.active = active ? active->data() : nullptr;
    args.count = &count;
    args.out = expected.data() + offset * size;
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(difference(device.download(), expected) == "");
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

} // namespace

TEST_CASE("CUDA dequantises all experts to the reference's bits", "[gpu][small]") {
    skip_without_gpu();
    // Rows of whole words, of one block, straddled by blocks, odd (the nibble phase alternates).
    for (const std::int64_t numel : {1, 8, 33, 64, 96, 97, 1000, 2 * 8192 + 24, 8193})
        for (const std::int32_t nested : {0, 2, 256}) {
            INFO("expert_numel " << numel << ", nested " << nested);
            Weights weights(5, numel, 64, nested);
            for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
                check_dequant(weights, dtype, std::nullopt, 0, 5);
        }
}

TEST_CASE("CUDA dequantises every block size", "[gpu][small]") {
    skip_without_gpu();
    for (std::int32_t block = 32; block <= 4096; block *= 2) {
        INFO("block size " << block);
        Weights aligned(3, 5000, block, 4), odd(3, 4999, block, 0);
        check_dequant(aligned, MS_BF16, std::nullopt, 0, 3);
        check_dequant(odd, MS_BF16, std::nullopt, 0, 3);
    }
}

TEST_CASE("CUDA dequantises the active experts alone and leaves the other rows as they are",
          "[gpu][small]") {
    skip_without_gpu();
    for (const std::int64_t numel : {96, 97, 8200}) {
        INFO("expert_numel " << numel);
        Weights weights(6, numel, 64, 4);
        check_dequant(weights, MS_BF16, std::vector{1, 2, 5, -1, -1, -1}, 3, 6);
        check_dequant(weights, MS_BF16, std::vector{0, 1, 2, 3, 4, 5}, 6, 6);
        check_dequant(weights, MS_BF16, std::vector{-1, -1}, 0, 2); // no active expert
        check_dequant(weights, MS_BF16, std::vector{5, 4, 3, 2}, 4,
                      2);                                             // more than there is room for
        check_dequant(weights, MS_BF16, std::vector{-3, 6, 2}, 3, 3); // ids that are no expert
        check_dequant(weights, MS_BF16, std::vector{1, 2}, -5, 2);
    }
}

TEST_CASE("CUDA dequantises into outputs off their 16-byte alignment", "[gpu][small]") {
    skip_without_gpu();
    Weights weights(3, 640, 64, 0);
    for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
        check_dequant(weights, dtype, std::nullopt, 0, 3, 1);
}

TEST_CASE("CUDA dequantises many experts through many blocks", "[gpu]") {
    skip_without_gpu();
    Weights weights(130, 64 * 1024 + 32, 64, 256);
    check_dequant(weights, MS_BF16, std::nullopt, 0, 130);
    std::vector<std::int32_t> active;
    for (std::int32_t expert = 1; expert < 130; expert += 3)
        active.push_back(expert);
    check_dequant(weights, MS_F16, active, std::int32_t(active.size()),
                  std::int32_t(active.size()));
}

TEST_CASE("an expert beyond 2^31 elements is found with 64-bit indices", "[gpu]") {
    skip_without_gpu();
    // The last of 5 experts begins past 2^32 elements: its first packed byte is past 2^31.
    const std::int64_t numel = (std::int64_t(1) << 30) + 64;
    const std::int32_t experts = 5;
    const std::int64_t bytes = experts * numel / 2, blocks = experts * numel / 64;
    std::size_t free = 0, total = 0;
    require_cuda(cudaMemGetInfo(&free, &total));
    if (free < std::size_t(bytes + blocks + 2 * numel) + (1u << 30))
        SKIP("needs 6 GiB of free device memory");
    DeviceArray<std::uint8_t> packed{std::size_t(bytes)};
    DeviceArray<float> absmax{std::size_t(blocks)};
    DeviceArray<float> code(std::vector<float>(kNf4Code.begin(), kNf4Code.end()));
    const FillBytesArgs fill{packed.data(), bytes, 1, 1};
    REQUIRE(fill_bytes(&fill, nullptr) == MS_OK);
    const FillUniformArgs scales{absmax.data(), MS_F32, blocks, 1, 2, 1.0f};
    REQUIRE(fill_uniform(&scales, nullptr) == MS_OK);
    DeviceArray<std::int32_t> active(std::vector<std::int32_t>{experts - 1}),
        count(std::vector<std::int32_t>{1});
    DeviceArray<std::uint16_t> out{std::size_t(numel)};
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    args.out_dtype = MS_BF16;
    args.weights = {
        packed.data(), absmax.data(), nullptr, nullptr, nullptr, 0.0f, 0, code.data(), 64,
        experts,       numel};
    args.active = active.data();
    args.count = count.data();
    args.capacity = 1;
    args.out = out.data();
    REQUIRE(ms_selective_dequant(&args, nullptr) == MS_OK);
    synchronize();

    // The last expert's tail, from its own packed bytes and absmax alone.
    const std::int64_t kept = 64 * 100;
    const std::int64_t first = experts * numel - kept;
    std::vector<std::uint8_t> tail_packed(kept / 2);
    std::vector<float> tail_absmax(kept / 64);
    std::vector<std::uint16_t> actual(kept), expected(kept);
    require_cuda(
        cudaMemcpy(tail_packed.data(), packed.data() + first / 2, kept / 2, cudaMemcpyDefault));
    require_cuda(cudaMemcpy(tail_absmax.data(), absmax.data() + first / 64, kept / 64 * 4,
                            cudaMemcpyDefault));
    require_cuda(
        cudaMemcpy(actual.data(), out.data() + (numel - kept), kept * 2, cudaMemcpyDefault));
    args.weights = {tail_packed.data(),
                    tail_absmax.data(),
                    nullptr,
                    nullptr,
                    nullptr,
                    0.0f,
                    0,
                    kNf4Code.data(),
                    64,
                    1,
                    kept};
    args.active = nullptr;
    args.out = expected.data();
    REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
    CHECK(difference(actual, expected) == "");
}

TEST_CASE("CUDA finds the active experts of few ids", "[gpu][small]") {
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

TEST_CASE("CUDA finds the active experts of many ids", "[gpu][small]") {
    skip_without_gpu();
    Random random(2);
    for (const std::int32_t experts : {1, 60, 1024, 4096})
        check_active_experts(experts, uniform_ints(5000, -1, experts, random));
    check_active_experts(4096, std::vector<std::int32_t>(4097, 4095)); // one expert alone, the last
    check_active_experts(40, std::vector<std::int32_t>(4097, -1));     // none
}

TEST_CASE("CUDA finds the active experts of millions of ids", "[gpu]") {
    skip_without_gpu();
    Random random(4);
    for (const std::int32_t experts : {256, 3000}) {
        std::vector<std::int32_t> ids = uniform_ints(3'000'001, 0, experts / 2, random);
        ids.back() = experts - 1;
        check_active_experts(experts, ids);
    }
}

TEST_CASE("CUDA copies the rows of the active experts, whatever their alignment", "[gpu][small]") {
    skip_without_gpu();
    for (const std::int64_t row_bytes : {2, 6, 4, 8, 24, 16, 48, 16 * 1024 + 16, 65538})
        for (const std::size_t offset : {0, 2, 4, 8})
            check_select(row_bytes, offset, {8, 0, 3, -1, 5}, 3, 5);
}

TEST_CASE("CUDA copies no row of a bad id, past the count or past the capacity", "[gpu][small]") {
    skip_without_gpu();
    check_select(64, 0, {9, 1, -1, 2}, 4, 4);
    check_select(64, 0, {1, 2, 3, 4}, 4, 2);
    check_select(64, 0, {1, 2}, 0, 2);
    check_select(64, 0, {1, 2}, -1, 2);
}

TEST_CASE("CUDA dequantisation refuses what the reference refuses", "[gpu][small]") {
    skip_without_gpu();
    ms_selective_dequant_args args{};
    args.struct_size = sizeof args;
    CHECK(ms_selective_dequant(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("weights.experts is 0") != std::string::npos);
    CHECK(ms_active_experts(nullptr, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(ms_select_experts(nullptr, nullptr) == MS_INVALID_ARGUMENT);
}
