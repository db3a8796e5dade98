#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/topk_gpu_support.h"

#include <algorithm>
#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr double kTolerance = 4e-6; // float32 sums of up to 1500 terms against float64's

std::vector<ms_topk_variant> variants_for(std::int32_t experts, std::int32_t top_k) {
    std::vector<ms_topk_variant> variants = {MS_TOPK_AUTO, MS_TOPK_SCALAR};
    if (experts <= 32)
        variants.push_back(MS_TOPK_WARP_BITONIC);
    if (experts <= 1024)
        variants.push_back(MS_TOPK_BLOCK_MERGE_SORT);
    if (experts <= 1024 && top_k <= 32)
        variants.push_back(MS_TOPK_WARP_SELECT);
    return variants;
}

void check_all_variants(ms_softmax_topk_args args, const std::vector<std::uint8_t> &logits) {
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference::softmax_topk, args, logits, status);
    REQUIRE(status == MS_OK);
    for (ms_topk_variant variant : variants_for(args.experts, args.top_k)) {
        INFO("variant " << variant << ", E " << args.experts << ", T " << args.tokens << ", k "
                        << args.top_k << ", dtype " << args.logits_dtype << ", renorm "
                        << args.renorm);
        args.variant = variant;
        const Selection actual = run_on_gpu(ms_softmax_topk, args, logits);
        CHECK(difference(actual.ids, expected.ids) == "");
        CHECK(difference(actual.weights, expected.weights, kTolerance, 1e-37) == "");
    }
}

} // namespace

TEST_CASE("every softmax_topk variant selects the reference's experts with its weights",
          "[gpu][topk]") {
    skip_without_gpu();
    const std::int32_t experts =
        GENERATE(1, 7, 8, 32, 33, 60, 64, 65, 128, 129, 256, 257, 384, 512, 513, 896, 1024, 1500);
    const std::int64_t tokens = GENERATE(1, 2, 63, 1000);
    const ms_dtype dtype = GENERATE(as<ms_dtype>(), MS_F32, MS_F16, MS_BF16);
    Random random(std::uint64_t(experts) * 10007 + std::uint64_t(tokens) * 3 +
                  std::uint64_t(dtype));
    const std::int64_t stride = experts + std::int64_t(random() % 4);
    for (std::int32_t top_k : {1, std::min(8, experts), std::min(experts, 40)}) {
        auto args = softmax_args(tokens, experts, top_k);
        args.logits_dtype = dtype;
        args.logits_stride = stride;
        args.renorm = ms_renorm(random() % 4);
        args.renorm_epsilon = args.renorm == MS_RENORM_NONE || random() % 2 ? 0.0f : 1e-6f;
        args.routed_scaling = 2.5f;
        const auto count = std::size_t(tokens * stride);
        check_all_variants(args, encode(uniform_values(count, -12, 12, random), dtype));
        check_all_variants(args, encode(wild_logits(tokens, stride, random), dtype));
    }
}

TEST_CASE("softmax_topk of many tokens, some to a warp, is the reference's", "[gpu][topk]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(8192, 8195);
    const std::int32_t experts = GENERATE(256, 200, 163);
    const std::int64_t stride = experts + GENERATE(0, 3);
    Random random(std::uint64_t(tokens * experts + stride));
    for (std::int32_t top_k : {1, 5, 8, 9}) {
        auto args = softmax_args(tokens, experts, top_k);
        args.logits_dtype = MS_BF16;
        args.logits_stride = stride;
        args.renorm = ms_renorm(random() % 4);
        args.variant = MS_TOPK_WARP_SELECT;
        const auto logits = encode(wild_logits(tokens, stride, random), MS_BF16);
        ms_status status = MS_OK;
        const Selection expected = run_reference(reference::softmax_topk, args, logits, status);
        const Selection actual = run_on_gpu(ms_softmax_topk, args, logits);
        CHECK(difference(actual.ids, expected.ids) == "");
        CHECK(difference(actual.weights, expected.weights, kTolerance, 1e-37) == "");
    }
}

TEST_CASE("softmax_topk can select all experts", "[gpu][topk][small]") {
    skip_without_gpu();
    Random random(3);
    const std::int32_t experts = GENERATE(1, 31, 32, 64, 500, 1024, 1100);
    auto args = softmax_args(9, experts, experts);
    args.renorm = MS_RENORM_ADD;
    check_all_variants(args,
                       encode(uniform_values(std::size_t(9 * experts), -5, 5, random), MS_F32));
}

TEST_CASE("softmax_topk gives any row of random bits distinct experts, the reference's",
          "[gpu][topk][small]") {
    skip_without_gpu();
    Random random(4);
    const std::int32_t experts = GENERATE(8, 32, 256, 1024, 1200);
    const ms_dtype dtype = GENERATE(as<ms_dtype>(), MS_F32, MS_F16, MS_BF16);
    std::vector<std::uint8_t> bits(std::size_t(500 * experts * size_of(dtype)));
    for (std::uint8_t &byte : bits)
        byte = std::uint8_t(random());
    auto args = softmax_args(500, experts, 8);
    args.logits_dtype = dtype;
    check_all_variants(args, bits);
}

TEST_CASE("softmax_topk reads rows beyond element 2^31", "[gpu][topk]") {
    skip_without_gpu();
    // Two tokens, the second one's row 2^31 elements on, of a dtype of 2 bytes: 4 GiB that is never
    // filled.
    const std::int64_t stride = std::int64_t(1) << 31;
    std::size_t free_bytes = 0, total_bytes = 0;
    require_cuda(cudaMemGetInfo(&free_bytes, &total_bytes));
    if (free_bytes < std::size_t(stride) * 2 + (std::size_t(1) << 28))
        SKIP("less than 4.3 GB of free device memory");
    const std::int32_t experts = GENERATE(8, 64, 1100);
    Random random(5);
    const auto rows = encode(uniform_values(std::size_t(2 * experts), -4, 4, random), MS_BF16);
    const std::size_t row_bytes = rows.size() / 2;
    DeviceArray<std::uint16_t> logits(std::size_t(stride + experts));
    require_cuda(cudaMemcpy(logits.data(), rows.data(), row_bytes, cudaMemcpyHostToDevice));
    require_cuda(cudaMemcpy(logits.data() + stride, rows.data() + row_bytes, row_bytes,
                            cudaMemcpyHostToDevice));

    auto args = softmax_args(2, experts, 4);
    args.logits_dtype = MS_BF16;
    ms_status status = MS_OK;
    const Selection expected = run_reference(reference::softmax_topk, args, rows, status);
    REQUIRE(status == MS_OK);
    args.logits_stride = stride;
    for (ms_topk_variant variant : variants_for(experts, args.top_k)) {
        INFO("variant " << variant << ", E " << experts);
        args.variant = variant;
        const Selection actual = run_on_device_logits(ms_softmax_topk, args, logits.data());
        CHECK(difference(actual.ids, expected.ids) == "");
        CHECK(difference(actual.weights, expected.weights, kTolerance) == "");
    }
}

TEST_CASE("softmax_topk refuses wrong arguments before it touches the device",
          "[gpu][topk][small]") {
    skip_without_gpu();
    auto args = softmax_args(1, 8, 9);
    CHECK(ms_softmax_topk(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("top_k is 9") != std::string::npos);
    synchronize();
}
