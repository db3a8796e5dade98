#include "kernels/inputs/counter_hash.h"
#include "kernels/inputs/inputs.h"
#include "tests/kernels/gpu_test_support.h"

#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

struct FillCase {
    std::int64_t count;
    std::size_t offset; // elements from an aligned address
};
const FillCase kFillCases[] = {{1, 0}, {7, 0}, {8, 0}, {4099, 0}, {4099, 1}, {1 << 16, 3}};

void check_uniform(ms_dtype dtype, const FillCase &fill) {
    const auto size = static_cast<std::size_t>(size_of(dtype));
    const auto bytes = (static_cast<std::size_t>(fill.count) + fill.offset) * size;
    DeviceArray<std::uint8_t> device(bytes);
    std::vector<std::uint8_t> expected = device.download(); // poison before the offset stays
    FillUniformArgs args{device.data() + fill.offset * size, dtype, fill.count, 11, 5, 0.5f};
    REQUIRE(fill_uniform(&args, nullptr) == MS_OK);
    args.data = expected.data() + fill.offset * size;
    REQUIRE(reference::fill_uniform(&args, nullptr) == MS_OK);
    CHECK(difference(device.download(), expected) == "");
}

} // namespace

TEST_CASE("uniform inputs have the same bits on the GPU as on the CPU", "[gpu][small]") {
    skip_without_gpu();
    for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
        for (const FillCase &fill : kFillCases)
            check_uniform(dtype, fill);
}

TEST_CASE("byte inputs have the same bits on the GPU as on the CPU", "[gpu][small]") {
    skip_without_gpu();
    for (const FillCase &fill : kFillCases) {
        DeviceArray<std::uint8_t> device(static_cast<std::size_t>(fill.count) + fill.offset);
        std::vector<std::uint8_t> expected = device.download();
        FillBytesArgs args{device.data() + fill.offset, fill.count, 12, 6};
        REQUIRE(fill_bytes(&args, nullptr) == MS_OK);
        args.data = expected.data() + fill.offset;
        REQUIRE(reference::fill_bytes(&args, nullptr) == MS_OK);
        CHECK(difference(device.download(), expected) == "");
    }
}

TEST_CASE("routing logits have the same bits on the GPU as on the CPU", "[gpu][small]") {
    skip_without_gpu();
    std::vector<float> gumbel(65536);
    make_gumbel_table(gumbel.data());
    DeviceArray<float> device_gumbel(gumbel);
    for (const std::int32_t experts : {1, 60, 257}) {
        const std::int64_t tokens = 123;
        std::vector<float> popularity(static_cast<std::size_t>(experts));
        make_log_popularity(experts, 1.1, 9, popularity.data());
        std::vector<float> expected(static_cast<std::size_t>(tokens * experts));
        DeviceArray<float> device_popularity(popularity), device(expected.size());
        RoutingLogitsArgs args{device.data(),        tokens, experts, device_popularity.data(),
                               device_gumbel.data(), 0.25f,  9};
        REQUIRE(routing_logits(&args, nullptr) == MS_OK);
        args.logits = expected.data();
        args.log_popularity = popularity.data();
        args.gumbel_table = gumbel.data();
        REQUIRE(reference::routing_logits(&args, nullptr) == MS_OK);
        CHECK(difference<float>(device.download(), expected) == "");
    }
}

TEST_CASE("large inputs reach past 2^32 elements", "[gpu]") {
    skip_without_gpu();
    std::size_t free = 0, total = 0;
    require_cuda(cudaMemGetInfo(&free, &total));
    const std::int64_t count = (std::int64_t(1) << 32) + 4099;
    if (free < std::size_t(count) + (1u << 30))
        SKIP("needs 5 GiB of free device memory");
    std::uint8_t *data = nullptr;
    require_cuda(cudaMalloc(reinterpret_cast<void **>(&data), std::size_t(count)));
    const FillBytesArgs args{data, count, 13, 1};
    const ms_status status = fill_bytes(&args, nullptr);
    std::vector<std::uint8_t> tail(4099), expected(4099);
    const cudaError_t copied =
        cudaMemcpy(tail.data(), data + (count - 4099), 4099, cudaMemcpyDeviceToHost);
    cudaFree(data);
    REQUIRE(status == MS_OK);
    require_cuda(copied);
    for (std::int64_t i = 0; i < 4099; ++i) {
        const std::int64_t at = count - 4099 + i;
        expected[std::size_t(i)] =
            byte_of(hash_at(hash_key(13, 1), std::uint64_t(at) / 8), int(at % 8));
    }
    CHECK(difference(tail, expected) == "");
}
