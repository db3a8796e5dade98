#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/structures_support.h"

#include <cstdint>
#include <numeric>

using namespace moescope;
using namespace moescope::test;

namespace {

void require_ok(ms_status status) {
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
}

class GpuBitMatrix {
  public:
    GpuBitMatrix(const std::vector<std::int32_t> &ids, std::int32_t experts, std::int32_t top_k)
        : args_(bitmatrix_args(std::int64_t(ids.size()) / top_k, experts, top_k)), ids_(ids),
          col_sum_(std::size_t(experts)), col_offs_(std::size_t(experts) + 1),
          col_sorted_(ids.size()), row_sorted_(ids.size()),
          bits_(std::size_t((experts + 31) / 32 * args_.bits_stride)),
          workspace_(ms_bitmatrix_workspace_bytes(&args_)) {
        args_.ids = ids_.data();
        args_.bits = bits_.data();
        args_.col_sum = col_sum_.data();
        args_.col_offs = col_offs_.data();
        args_.col_sorted_indx = col_sorted_.data();
        args_.row_sorted_indx = row_sorted_.data();
        args_.workspace = workspace_.data();
        args_.workspace_bytes = workspace_.bytes();
    }

    BitMatrix run() {
        bits_.poison();
        col_sum_.poison();
        col_offs_.poison();
        col_sorted_.poison();
        row_sorted_.poison();
        workspace_.poison();
        require_ok(ms_bitmatrix(&args_, nullptr));
        BitMatrix out{bits_.download(), col_sum_.download(), col_offs_.download(),
                      col_sorted_.download(), row_sorted_.download()};
        CHECK(workspace_.red_zones_intact());
        return out;
    }

  private:
    ms_bitmatrix_args args_;
    DeviceArray<std::int32_t> ids_, col_sum_, col_offs_, col_sorted_, row_sorted_;
    DeviceArray<std::uint32_t> bits_;
    DeviceArray<std::uint8_t> workspace_;
};

void check_same(const BitMatrix &actual, const BitMatrix &expected) {
    CHECK(difference(actual.bits, expected.bits) == "");
    CHECK(difference(actual.col_sum, expected.col_sum) == "");
    CHECK(difference(actual.col_offs, expected.col_offs) == "");
    CHECK(difference(actual.col_sorted_indx, expected.col_sorted_indx) == "");
    CHECK(difference(actual.row_sorted_indx, expected.row_sorted_indx) == "");
}

Ragged gpu_ragged(const std::vector<std::int32_t> &slice_sizes, std::int64_t rows,
                  std::int32_t first_block_rows, std::int32_t block_sizes) {
    auto args = ragged_args(std::int32_t(slice_sizes.size()), rows, first_block_rows, block_sizes);
    const auto entries = std::size_t(args.schedule_stride * block_sizes);
    DeviceArray<std::int32_t> sizes(slice_sizes), slice_offs(slice_sizes.size() + 1),
        block_offs((slice_sizes.size() + 1) * std::size_t(block_sizes)), schedule(entries);
    DeviceArray<ms_tile> tiles(entries);
    args.slice_sizes = sizes.data();
    args.slice_offs = slice_offs.data();
    args.block_offs = block_offs.data();
    args.block_schedule = schedule.data();
    args.tiles = tiles.data();
    require_ok(ms_ragged_metadata(&args, nullptr));
    return {slice_offs.download(), block_offs.download(), schedule.download(), tiles.download()};
}

RoutingData gpu_routing_data(const std::vector<std::int32_t> &host_ids,
                             const std::vector<float> &host_weights, std::int32_t experts,
                             std::int32_t first_block_rows, std::int32_t block_sizes) {
    auto args = routing_data_args(std::int64_t(host_ids.size()), experts, first_block_rows,
                                  block_sizes);
    const auto slots = host_ids.size(), count = std::size_t(experts), offs = count + 1;
    DeviceArray<std::int32_t> ids(host_ids), gather(slots), scatter(slots),
        hist(count), raw(offs), pad(offs * std::size_t(block_sizes)),
        map(std::size_t(args.schedule_stride * block_sizes));
    DeviceArray<float> weights(host_weights), gates(slots);
    DeviceArray<std::uint8_t> workspace(ms_routing_data_workspace_bytes(&args));
    args.ids = ids.data();
    args.weights = weights.data();
    args.gate_scal = gates.data();
    args.gather_indx = gather.data();
    args.scatter_indx = scatter.data();
    args.expt_hist = hist.data();
    args.token_offs_raw = raw.data();
    args.token_offs_pad = pad.data();
    args.block_pid_map = map.data();
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.bytes();
    require_ok(ms_routing_data(&args, nullptr));
    return {gates.download(), gather.download(), scatter.download(), hist.download(),
            raw.download(),   pad.download(),    map.download()};
}

void check_same(const RoutingData &actual, const RoutingData &expected) {
    CHECK(difference(actual.gate_scal, expected.gate_scal, 0) == "");
    CHECK(difference(actual.gather_indx, expected.gather_indx) == "");
    CHECK(difference(actual.scatter_indx, expected.scatter_indx) == "");
    CHECK(difference(actual.expt_hist, expected.expt_hist) == "");
    CHECK(difference(actual.token_offs_raw, expected.token_offs_raw) == "");
    CHECK(difference(actual.token_offs_pad, expected.token_offs_pad) == "");
    CHECK(difference(actual.block_pid_map, expected.block_pid_map) == "");
}

// Sizes of which some are 0 and, where `hot`, one is most of all.
std::vector<std::int32_t> random_sizes(std::int32_t slices, bool hot, Random &random) {
    std::vector<std::int32_t> sizes(static_cast<std::size_t>(slices));
    for (std::int32_t &size : sizes)
        size = random() % 3 == 0 ? 0 : std::int32_t(random() % 200);
    if (hot)
        sizes[random() % sizes.size()] = 200000;
    return sizes;
}

} // namespace

TEST_CASE("bitmatrix on the GPU is the reference's", "[gpu][structures]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(2, 8, 33, 60, 256, 1000, 4096), top_k = GENERATE(1, 2);
    const std::int64_t tokens = GENERATE(0, 1, 33, 5000, 70000);
    Random random(std::uint64_t(experts * 7 + top_k) + std::uint64_t(tokens));
    const auto ids = distinct_ids(tokens, experts, top_k, random);
    INFO("E " << experts << ", T " << tokens << ", k " << top_k);
    check_same(GpuBitMatrix(ids, experts, top_k).run(), reference_bitmatrix(ids, experts, top_k));
}

TEST_CASE("bitmatrix of few tokens is the reference's", "[gpu][structures][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(8, 256, 2000), top_k = GENERATE(2, 8);
    const std::int64_t tokens = GENERATE(0, 5, 700);
    Random random(std::uint64_t(experts + top_k) + std::uint64_t(tokens));
    const auto ids = distinct_ids(tokens, experts, top_k, random);
    check_same(GpuBitMatrix(ids, experts, top_k).run(), reference_bitmatrix(ids, experts, top_k));
}

TEST_CASE("bitmatrix takes all tokens to one expert, and tokens to none", "[gpu][structures]") {
    skip_without_gpu();
    const std::int32_t id = GENERATE(0, 255, -1, 256);
    const std::vector<std::int32_t> ids(40000, id);
    check_same(GpuBitMatrix(ids, 256, 1).run(), reference_bitmatrix(ids, 256, 1));
}

TEST_CASE("bitmatrix gives the same bits a hundred times over", "[gpu][structures][determinism]") {
    skip_without_gpu();
    Random random(3);
    GpuBitMatrix gpu(distinct_ids(20000, 128, 4, random), 128, 4);
    const BitMatrix first = gpu.run();
    for (int repeat = 1; repeat < 100; ++repeat) {
        const BitMatrix again = gpu.run();
        REQUIRE(again.bits == first.bits);
        REQUIRE(again.col_sorted_indx == first.col_sorted_indx);
        REQUIRE(again.row_sorted_indx == first.row_sorted_indx);
    }
}

TEST_CASE("ragged_metadata on the GPU is the reference's", "[gpu][structures][small]") {
    skip_without_gpu();
    const std::int32_t slices = GENERATE(1, 8, 256, 513, 4096), first = GENERATE(1, 16, 128);
    const std::int32_t block_sizes = GENERATE(1, 4, 5);
    const bool hot = GENERATE(false, true);
    Random random(std::uint64_t(slices * 3 + first));
    const auto sizes = random_sizes(slices, hot, random);
    const auto rows = std::accumulate(sizes.begin(), sizes.end(), std::int64_t(0)) + 5;
    if (rows > std::int64_t(65536) * first)
        return; // no packed schedule
    const Ragged expected = reference_ragged(sizes, rows, first, block_sizes);
    const Ragged actual = gpu_ragged(sizes, rows, first, block_sizes);
    INFO("slices " << slices << ", rows " << rows << ", first " << first);
    CHECK(difference(actual.slice_offs, expected.slice_offs) == "");
    CHECK(difference(actual.block_offs, expected.block_offs) == "");
    CHECK(difference(actual.block_schedule, expected.block_schedule) == "");
    CHECK(same_tiles(actual.tiles, expected.tiles));
}

TEST_CASE("ragged_metadata of no rows is empty", "[gpu][structures][small]") {
    skip_without_gpu();
    const Ragged ragged = gpu_ragged(std::vector<std::int32_t>(60, 0), 0, 16, 4);
    CHECK(ragged.slice_offs == std::vector<std::int32_t>(61, 0));
    CHECK(ragged.block_offs == std::vector<std::int32_t>(61 * 4, 0));
}

TEST_CASE("routing_data on the GPU is the reference's", "[gpu][structures][small]") {
    skip_without_gpu();
    const std::int32_t experts = GENERATE(1, 8, 256, 1500);
    const std::int64_t slots = GENERATE(0, 1, 33, 4097, 20000);
    Random random(std::uint64_t(experts) + std::uint64_t(slots));
    const auto ids = random_ids(slots, experts, random);
    const auto weights = uniform_values(ids.size(), 0, 1, random);
    INFO("E " << experts << ", S " << slots);
    check_same(gpu_routing_data(ids, weights, experts, 16, 4),
               reference_routing_data(ids, weights, experts, 16, 4));
}

TEST_CASE("routing_data of many slots is the reference's", "[gpu][structures]") {
    skip_without_gpu();
    const std::int64_t slots = GENERATE(131072, 700001);
    Random random(5);
    const auto ids = random_ids(slots, 256, random);
    const auto weights = uniform_values(ids.size(), 0, 1, random);
    check_same(gpu_routing_data(ids, weights, 256, 16, 5),
               reference_routing_data(ids, weights, 256, 16, 5));
}
