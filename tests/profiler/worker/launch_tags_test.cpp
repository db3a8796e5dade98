#include "profiler/worker/launch_tags.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("a launch without a call belongs to the repetition whose calls are round it", "[worker]") {
    const Tag first{{3}, 0}, second{{3}, 1};
    CaptureBatch batch;
    const auto call = [&](std::uint32_t correlation, Tag tag) {
        ApiRecord record;
        record.correlation = correlation;
        record.tag = tag;
        batch.api_calls.push_back(record);
    };
    const auto kernel = [&](std::uint32_t correlation, Tag tag = {}) {
        KernelRecord record;
        record.correlation = correlation;
        record.tag = tag;
        batch.kernels.push_back(record);
        return batch.kernels.size() - 1;
    };
    // Not in order: buffers are filled by several threads.
    call(14, second), call(10, first), call(12, first), call(18, second), call(20, {}), call(22, {});
    const std::size_t before = kernel(9), own = kernel(10, first), inside = kernel(11), between = kernel(13),
                      next = kernel(16), leaving = kernel(19), outside = kernel(21), last = kernel(30);
    CopyRecord copy;
    copy.correlation = 17;
    batch.copies.push_back(copy);
    tag_by_order(batch);
    const auto tag = [&](std::size_t index) { return batch.kernels[index].tag; };
    CHECK(tag(own) == first);
    CHECK(tag(inside) == first);
    CHECK(tag(next) == second);
    CHECK(batch.copies[0].tag == second);
    for (const std::size_t none : {before, between, leaving, outside, last})
        CHECK(tag(none) == Tag{});
}
