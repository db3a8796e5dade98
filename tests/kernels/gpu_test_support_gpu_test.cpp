#include "tests/kernels/gpu_test_support.h"

#include <cstdint>
TEST_CASE("a device array keeps what it was given between intact red zones", "[gpu][small]") {
    moescope::test::skip_without_gpu();
    const std::vector<int> values = {1, 2, 3};
    moescope::test::DeviceArray<int> array(values);
    CHECK(array.download() == values);
    moescope::test::require_cuda(cudaMemset(reinterpret_cast<std::uint8_t *>(array.data()) - 1, 0, 1));
    CHECK_FALSE(array.red_zones_intact());
}
