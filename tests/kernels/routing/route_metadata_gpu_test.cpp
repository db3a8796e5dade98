#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/metadata_support.h"

#include <cstdint>

using namespace moescope;
using namespace moescope::test;

namespace {

// Runs ms_route_metadata on poisoned outputs and a poisoned workspace of the size it asks for.
class GpuMetadata {
  public:
    GpuMetadata(const std::vector<std::int32_t> &ids, std::int32_t experts, std::int32_t block_rows)
        : args_(metadata_args(std::int64_t(ids.size()), experts, block_rows)), ids_(ids),
          counts_(std::size_t(experts)), offsets_(std::size_t(experts) + 1),
          sorted_slots_(ids.size()), inverse_(ids.size()),
          tiles_(std::size_t(ms_max_tiles(args_.slots, experts, block_rows))),
          workspace_(ms_route_metadata_workspace_bytes(&args_)) {
        args_.ids = ids_.data();
        args_.counts = counts_.data();
        args_.offsets = offsets_.data();
        args_.sorted_slots = sorted_slots_.data();
        args_.inverse = inverse_.data();
        args_.tiles = tiles_.data();
        args_.workspace = workspace_.data();
        args_.workspace_bytes = workspace_.bytes();
    }

    Metadata run() {
        counts_.poison();
        offsets_.poison();
        sorted_slots_.poison();
        inverse_.poison();
        tiles_.poison();
        workspace_.poison();
        const ms_status status = ms_route_metadata(&args_, nullptr);
        INFO(ms_last_error());
        REQUIRE(status == MS_OK);
        Metadata out{counts_.download(), offsets_.download(), sorted_slots_.download(),
                     inverse_.download(), tiles_.download()};
        CHECK(workspace_.red_zones_intact());
        return out;
    }

    ms_route_metadata_args &args() { return args_; }

  private:
    ms_route_metadata_args args_;
    DeviceArray<std::int32_t> ids_, counts_, offsets_, sorted_slots_, inverse_;
    DeviceArray<ms_tile> tiles_;
    DeviceArray<std::uint8_t> workspace_;
};

void check_same(const Metadata &actual, const Metadata &expected) {
    CHECK(difference(actual.counts, expected.counts) == "");
    CHECK(difference(actual.offsets, expected.offsets) == "");
    CHECK(difference(actual.sorted_slots, expected.sorted_slots) == "");
    CHECK(difference(actual.inverse, expected.inverse) == "");
    CHECK(same_tiles(actual.tiles, expected.tiles));
}

} // namespace

TEST_CASE("route_metadata on the GPU is the reference's", "[gpu]") {
    skip_without_gpu();
    const std::int32_t experts =
        GENERATE(1, 7, 8, 32, 33, 60, 64, 128, 256, 384, 512, 640, 896, 1024, 1500, 4096);
    const std::int64_t slots = GENERATE(0, 1, 31, 33, 511, 513, 2049, 4096, 4097, 8192, 50021);
    const std::int32_t block_rows = GENERATE(0, 1, 16, 128);
    Random random(std::uint64_t(experts) * 1000003 + std::uint64_t(slots) * 131 +
                  std::uint64_t(block_rows));
    const auto ids = random_ids(slots, experts, random);
    INFO("E " << experts << ", S " << slots << ", block_rows " << block_rows);
    check_same(GpuMetadata(ids, experts, block_rows).run(),
               reference_metadata(ids, experts, block_rows));
}

TEST_CASE("route_metadata of blocks that work together is the reference's", "[gpu]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 255, 256, 257, 1000);
    const std::int64_t slots =
        GENERATE(1024, 1025, 32768, 32769, 65535, 65536, 131072, 131073, 300001, 524288, 524289);
    const std::int32_t block_rows = GENERATE(24, 64);
    Random random(std::uint64_t(slots) * 3 + std::uint64_t(experts));
    const auto ids = random_ids(slots, experts, random);
    INFO("E " << experts << ", S " << slots << ", block_rows " << block_rows);
    check_same(GpuMetadata(ids, experts, block_rows).run(),
               reference_metadata(ids, experts, block_rows));
}

TEST_CASE("route_metadata of few slots is the reference's", "[gpu][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(1, 60, 256, 4096);
    const std::int64_t slots = GENERATE(0, 33, 700, 4097, 20000, 40000);
    const std::int32_t block_rows = GENERATE(0, 16);
    Random random(std::uint64_t(experts) + std::uint64_t(slots));
    const auto ids = random_ids(slots, experts, random);
    INFO("E " << experts << ", S " << slots << ", block_rows " << block_rows);
    check_same(GpuMetadata(ids, experts, block_rows).run(),
               reference_metadata(ids, experts, block_rows));
}

TEST_CASE("route_metadata of a million and more slots is the reference's", "[gpu]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 256, 4096);
    const std::int64_t slots = GENERATE(1 << 20, (1 << 20) + 12345, (1 << 22) + 1);
    Random random(std::uint64_t(slots) + std::uint64_t(experts));
    const auto ids = random_ids(slots, experts, random);
    INFO("E " << experts << ", S " << slots);
    check_same(GpuMetadata(ids, experts, 64).run(), reference_metadata(ids, experts, 64));
}

TEST_CASE("route_metadata takes all slots to one expert, and slots to none", "[gpu]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 256),
                       id = GENERATE(0, 7, -1, 256, INT32_MIN, INT32_MAX);
    const std::int64_t slots = GENERATE(5, 4000, 30000, 131072, 300000);
    const std::vector<std::int32_t> ids(std::size_t(slots), id);
    INFO("E " << experts << ", S " << slots << ", id " << id);
    check_same(GpuMetadata(ids, experts, 32).run(), reference_metadata(ids, experts, 32));
}

TEST_CASE("route_metadata gives the same bits a hundred times over", "[gpu][determinism]") {
    skip_without_gpu();
    const std::int64_t slots = GENERATE(500, 3000, 30000, 262144);
    Random random(8);
    GpuMetadata gpu(uniform_ints(std::size_t(slots), 0, 127, random), 128, 64);
    const Metadata first = gpu.run();
    for (int repeat = 1; repeat < 100; ++repeat) {
        const Metadata again = gpu.run();
        REQUIRE(again.sorted_slots == first.sorted_slots);
        REQUIRE(again.inverse == first.inverse);
        REQUIRE(again.offsets == first.offsets);
        REQUIRE(same_tiles(again.tiles, first.tiles));
    }
}

TEST_CASE("route_metadata refuses a workspace that is too small", "[gpu][small]") {
    skip_without_gpu();
    Random random(9);
    GpuMetadata gpu(uniform_ints(20000, 0, 63, random), 64, 0);
    const std::size_t needed = gpu.args().workspace_bytes--;
    CHECK(ms_route_metadata(&gpu.args(), nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) == "ms_route_metadata: workspace_bytes is " +
                                              std::to_string(needed - 1) +
                                              "; it must be at least " + std::to_string(needed));
    gpu.args().workspace_bytes = needed;
    gpu.args().workspace = nullptr;
    CHECK(ms_route_metadata(&gpu.args(), nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) ==
          "ms_route_metadata: workspace is null; it must be an array");
}

TEST_CASE("tile_schedule on the GPU is the reference's", "[gpu]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(1, 8, 60, 256, 512, 513, 4096);
    const std::int64_t slots = GENERATE(0, 1, 100, 5000, 1000000);
    const std::int32_t block_rows = GENERATE(1, 16, 128, 4096);
    Random random(std::uint64_t(experts) + std::uint64_t(slots));
    const Metadata metadata = reference_metadata(random_ids(slots, experts, random), experts, 0);
    const auto expected = reference_schedule(metadata.offsets, slots, block_rows);
    DeviceArray<std::int32_t> offsets(metadata.offsets);
    DeviceArray<ms_tile> tiles(expected.size());
    const ms_tile_schedule_args args{sizeof args, experts,    offsets.data(),
                                     slots,       block_rows, tiles.data()};
    INFO("E " << experts << ", S " << slots << ", block_rows " << block_rows);
    const ms_status status = ms_tile_schedule(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    CHECK(same_tiles(tiles.download(), expected));
}
