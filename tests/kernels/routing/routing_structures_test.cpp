#include "tests/kernels/compare.h"
#include "tests/kernels/routing/structures_support.h"
#include "tests/kernels/vectors/vector_file.h"

#include <cstdint>
#include <numeric>
#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

void check_bits_and_orders(const VectorCase &vectors, const std::vector<std::int32_t> &ids) {
    const auto experts = vectors.integer("experts");
    const BitMatrix matrix = reference_bitmatrix(ids, experts, vectors.integer("top_k"));
    CHECK(difference(matrix.bits, vectors.array<std::uint32_t>("bits", matrix.bits.size())) == "");
    CHECK(difference(matrix.col_sum,
                     vectors.array<std::int32_t>("col_sum", std::size_t(experts))) == "");
    CHECK(difference(matrix.col_offs,
                     vectors.array<std::int32_t>("col_offs", std::size_t(experts) + 1)) == "");
    CHECK(difference(matrix.col_sorted_indx,
                     vectors.array<std::int32_t>("col_sorted_indx", ids.size())) == "");
    CHECK(difference(matrix.row_sorted_indx,
                     vectors.array<std::int32_t>("row_sorted_indx", ids.size())) == "");
}

void check_schedules(const VectorCase &vectors, const std::vector<std::int32_t> &ids) {
    const auto experts = vectors.integer("experts");
    const auto first = vectors.integer("first_block_rows"), sizes = vectors.integer("block_sizes");
    const auto entries = std::size_t(vectors.integer("max_tiles")) * std::size_t(sizes);
    const auto offs = (std::size_t(experts) + 1) * std::size_t(sizes);
    const Ragged ragged =
        reference_ragged(vectors.array<std::int32_t>("col_sum", std::size_t(experts)),
                         std::int64_t(ids.size()), first, sizes);
    const auto block_offs = vectors.array<std::int32_t>("block_offs", offs);
    const auto schedule = vectors.array<std::int32_t>("block_schedule", entries);
    CHECK(difference(ragged.slice_offs,
                     vectors.array<std::int32_t>("col_offs", std::size_t(experts) + 1)) == "");
    CHECK(difference(ragged.block_offs, block_offs) == "");
    CHECK(difference(ragged.block_schedule, schedule) == "");

    const RoutingData data = reference_routing_data(
        ids, vectors.array<float>("weights", ids.size()), experts, first, sizes);
    CHECK(difference(data.gate_scal, vectors.array<float>("gate_scal", ids.size()), 0) == "");
    CHECK(difference(data.gather_indx,
                     vectors.array<std::int32_t>("col_sorted_indx", ids.size())) == "");
    CHECK(difference(data.scatter_indx,
                     vectors.array<std::int32_t>("row_sorted_indx", ids.size())) == "");
    CHECK(difference(data.expt_hist,
                     vectors.array<std::int32_t>("col_sum", std::size_t(experts))) == "");
    CHECK(difference(data.token_offs_raw, ragged.slice_offs) == "");
    CHECK(difference(data.token_offs_pad, block_offs) == "");
    CHECK(difference(data.block_pid_map, schedule) == "");
}

} // namespace

TEST_CASE("the routing structures are those of the model of Triton's contracts") {
    for (const VectorCase &vectors : read_vectors("routing_structures.txt"))
        DYNAMIC_SECTION(vectors.name) {
            const auto slots = vectors.integer("tokens") * vectors.integer("top_k");
            const auto ids = vectors.array<std::int32_t>("ids", std::size_t(slots));
            check_bits_and_orders(vectors, ids);
            check_schedules(vectors, ids);
        }
}

// The sizes of RaggedTensorMetadata's documented example; its last offset is 15 + 17 + 0 + 127.
TEST_CASE("the ragged metadata of Triton's example adds up") {
    const Ragged ragged = reference_ragged({15, 17, 0, 127}, 159, 16, 4);
    CHECK(ragged.slice_offs == std::vector<std::int32_t>{0, 15, 32, 32, 159});
    CHECK(ragged.block_offs == std::vector<std::int32_t>{0, 1, 3, 3, 11, 0, 1, 2, 2, 6, //
                                                         0, 1, 2, 2, 4, 0, 1, 2, 2, 3});
}

TEST_CASE("a bit matrix holds exactly the selected experts") {
    std::mt19937_64 random(GENERATE(1, 2, 3));
    const std::int32_t experts = GENERATE(2, 31, 32, 33, 256, 4096), top_k = GENERATE(1, 2);
    const std::int64_t tokens = GENERATE(0, 1, 32, 77);
    const auto ids = distinct_ids(tokens, experts, top_k, random);
    const BitMatrix matrix = reference_bitmatrix(ids, experts, top_k);
    const std::int64_t stride = whole_words(tokens);
    std::int64_t bits = 0, selected = 0;
    for (std::uint32_t word : matrix.bits)
        bits += std::popcount(word);
    for (std::int64_t slot = 0; slot < tokens * top_k; ++slot) {
        const std::int32_t id = ids[std::size_t(slot)];
        if (id < 0 || id >= experts)
            continue;
        ++selected;
        REQUIRE((matrix.bits[std::size_t(id / 32 * stride + slot / top_k)] >> (id % 32) & 1) == 1);
    }
    CHECK(bits == selected); // and no others
    CHECK(std::accumulate(matrix.col_sum.begin(), matrix.col_sum.end(), std::int64_t(0)) == bits);
}

TEST_CASE("an expert that stands twice in a token sets one bit and counts twice") {
    const BitMatrix matrix = reference_bitmatrix({3, 3, 0, 1}, 4, 2);
    CHECK(matrix.bits[0] == 0b1000);
    CHECK(matrix.bits[1] == 0b0011);
    CHECK(matrix.col_sum == std::vector<std::int32_t>{1, 1, 0, 2});
}

TEST_CASE("packed and wide schedules hold the same blocks") {
    std::mt19937_64 random(4);
    const std::int32_t slices = GENERATE(1, 5, 64), first = GENERATE(1, 16, 64);
    std::vector<std::int32_t> sizes(static_cast<std::size_t>(slices));
    for (std::int32_t &size : sizes)
        size = std::int32_t(random() % 3 == 0 ? 0 : random() % 300);
    const auto rows = std::accumulate(sizes.begin(), sizes.end(), std::int64_t(0)) +
                      std::int64_t(random() % 50); // some rows of nobody
    const Ragged ragged = reference_ragged(sizes, rows, first, 4);
    for (std::size_t i = 0; i < ragged.tiles.size(); ++i) {
        const ms_tile tile = ragged.tiles[i];
        const std::int32_t packed = tile.expert < 0 ? -1 : tile.tile << 16 | tile.expert;
        REQUIRE(ragged.block_schedule[i] == packed);
    }
    for (std::int32_t i = 0; i < 4; ++i) { // every slice has just the blocks it needs
        std::int32_t blocks = 0;
        for (std::int32_t size : sizes)
            blocks += (size + (first << i) - 1) / (first << i);
        CHECK(ragged.block_offs[std::size_t((slices + 1) * (i + 1) - 1)] == blocks);
    }
}

TEST_CASE("more blocks than 16 bits count are refused packed and written wide") {
    const std::int64_t rows = (std::int64_t(1) << 20) + 1;
    const std::vector<std::int32_t> sizes{0, std::int32_t(rows)};
    auto args = ragged_args(2, rows, 16, 1);
    std::vector<std::int32_t> offs(8), packed(std::size_t(args.schedule_stride));
    args.slice_sizes = sizes.data();
    args.slice_offs = offs.data();
    args.block_offs = offs.data() + 4;
    args.block_schedule = packed.data();
    CHECK(reference::ragged_metadata(&args, nullptr) == MS_UNSUPPORTED);
    CHECK(std::string(ms_last_error()) ==
          "ms_ragged_metadata: rows is 1048577; a packed schedule counts up to 65536 blocks of 16 "
          "rows in a slice; ask for tiles alone");
    const Ragged wide = reference_ragged(sizes, rows, 16, 1, false);
    CHECK(wide.tiles.back().expert == 1);
    CHECK(wide.tiles.back().tile == 65536);

    std::vector<std::int32_t> fits{0, 1 << 20};
    CHECK(reference_ragged(fits, 1 << 20, 16, 1).block_schedule[65535] ==
          std::int32_t(0xffff0001u));
}

TEST_CASE("the routing structures name the field that is wrong") {
    std::vector<std::int32_t> ints(64);
    std::vector<std::uint32_t> words(64);
    std::vector<float> floats(64);
    auto matrix = bitmatrix_args(4, 8, 2);
    matrix.ids = matrix.col_sum = matrix.col_offs = ints.data();
    matrix.col_sorted_indx = matrix.row_sorted_indx = ints.data();
    matrix.bits = words.data();
    const auto refused = [](auto call, auto args) {
        CHECK(call(&args, nullptr) == MS_INVALID_ARGUMENT);
        return std::string(ms_last_error());
    };
    auto wrong = matrix;
    wrong.bits_stride = 3;
    CHECK(refused(reference::bitmatrix, wrong) ==
          "ms_bitmatrix: bits_stride is 3; it must be from 4 to 2147483647 (at least tokens)");
    wrong = matrix;
    wrong.top_k = 9;
    CHECK(refused(reference::bitmatrix, wrong) ==
          "ms_bitmatrix: top_k is 9; it must be from 1 to 8 (experts)");
    wrong = matrix;
    wrong.bits = nullptr;
    CHECK(refused(reference::bitmatrix, wrong) ==
          "ms_bitmatrix: bits is null; it must be an array");

    auto ragged = ragged_args(8, 40, 16, 4);
    ragged.slice_sizes = ragged.slice_offs = ragged.block_offs = ragged.block_schedule =
        ints.data();
    ragged.first_block_rows = 24;
    CHECK(refused(reference::ragged_metadata, ragged) ==
          "ms_ragged_metadata: first_block_rows is 24; it must be a power of two");
    ragged.first_block_rows = 16;
    ragged.schedule_stride = 9;
    CHECK(refused(reference::ragged_metadata, ragged) ==
          "ms_ragged_metadata: schedule_stride is 9; it must be from 10 to 2147483647 (at least "
          "ms_max_tiles)");

    auto data = routing_data_args(4, 8, 16, 9);
    CHECK(refused(reference::routing_data, data) ==
          "ms_routing_data: block_sizes is 9; it must be from 1 to 8");
}
