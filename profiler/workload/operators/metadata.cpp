// Which routed tokens are whose: sorting, counting, scheduling.
//
//   route_metadata bytes = 12S + 4E + 4(E + 1)            ids in; sorted_slots, inverse, counts,
//                                                         offsets out; no tile schedule
//   bitmatrix      bytes = 12S + 4T ceil(E/32) + 4E + 4(E + 1)   ids in; bits, column sums and offsets,
//                                                         both orders out
//   ragged_metadata  bytes = 4E + 5 * 4(E + 1) + 4 * 4M   sizes in; offsets of rows and of the blocks of
//                                                         4 sizes, 4 packed schedules out
//   routing_data   bytes = 20S + 4E + 5 * 4(E + 1) + 4 * 4M   ids, weights in; sorted weights, gather and
//                                                         scatter indices, histogram and the above out
//   route          bytes = cTE + 8Tk + 8S + 4E + 4(E + 1) (+ 4E)   logits in, c bytes each; weights, ids,
//                                                         both permutations, counts, offsets out; the
//                                                         correction bias; no tile schedule
//
// M: the most entries of a schedule in blocks of 16 rows (ms_max_tiles).
#include "profiler/workload/operators/definition.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr VariantInfo kMetadataVariants[] = {
    {"counting_sort", "Counting sort",
     "A stable counting sort of the routed tokens by expert: deterministic, and nothing reaches "
     "the host."},
};

constexpr VariantInfo kBitmatrixVariants[] = {
    {"sort_and_bits", "Sort and bits",
     "The counting sort, and a second kernel that sets each token's bits."},
};
constexpr VariantInfo kRaggedVariants[] = {
    {"one_launch", "One launch",
     "All block sizes at once: every block repeats the prefix sum over the experts and searches it "
     "for its entries."},
};
constexpr VariantInfo kRoutingDataVariants[] = {
    {"sort_and_schedules", "Sort and schedules",
     "The counting sort, then schedules and sorted weights side by side in one kernel."},
};

Cost metadata_cost(const CostCase &c) { return {12 * c.sizes.slots + 8 * c.sizes.experts + 4, 0}; }

double metadata_memory(const CostCase &c) {
    return c.sizes.metadata() + c.sizes.sort_workspace();
}

constexpr VariantInfo kRouteVariants[] = {
    {"one_launch", "One launch",
     "Top-k and sort in one kernel of blocks that run at the same time: they tell one another their "
     "counts on the chip, or through device memory where they are many."},
    {"two_launches", "Two launches", "The top-k, then the sort of the ids it has written."},
};

double bits(const Sizes &s) { return 4 * s.tokens * std::ceil(s.experts / 32); }

// Offsets of rows and blocks, and the packed schedules of 4 block sizes.
double schedules(const Sizes &s) {
    const double used = std::min(s.slots, s.experts);
    return 20 * (s.experts + 1) + 16 * (used + std::floor((s.slots - used) / 16));
}

Cost bitmatrix_cost(const CostCase &c) {
    return {12 * c.sizes.slots + bits(c.sizes) + 8 * c.sizes.experts + 4, 0};
}
double bitmatrix_memory(const CostCase &c) {
    return c.sizes.metadata() + bits(c.sizes) + 128 * std::ceil(c.sizes.experts / 32) +
           c.sizes.sort_workspace();
}

Cost ragged_cost(const CostCase &c) { return {4 * c.sizes.experts + schedules(c.sizes), 0}; }
double ragged_memory(const CostCase &c) { return schedules(c.sizes); }

Cost routing_data_cost(const CostCase &c) {
    return {20 * c.sizes.slots + 4 * c.sizes.experts + schedules(c.sizes), 0};
}
double routing_data_memory(const CostCase &c) {
    return 16 * c.sizes.slots + 4 * c.sizes.experts + schedules(c.sizes) +
           c.sizes.sort_workspace();
}

Cost route_cost(const CostCase &c) {
    const ModelShape &model = c.workload.model;
    const double logits = double(bytes_of(model.router_logits())) * c.sizes.tokens * c.sizes.experts;
    return {logits + c.sizes.routing_outputs() + 8 * c.sizes.slots + 8 * c.sizes.experts + 4 +
                (model.correction_bias ? 4 * c.sizes.experts : 0),
            0};
}
double route_memory(const CostCase &c) {
    return c.sizes.routing_outputs() + c.sizes.metadata() + c.sizes.sort_workspace() +
           300 * c.sizes.experts; // counts of up to 128 blocks, 16 bits each
}

constexpr OperatorDefinition kOperators[] = {
    {.info = {.id = OperatorId::RouteMetadata,
              .family = OperatorFamily::Metadata,
              .name = "route_metadata",
              .title = "Route metadata",
              .explain = "Sorts the routed tokens by expert: counts, offsets, both permutations "
                         "and the tile schedule.",
              .variants = kMetadataVariants},
     .cost = metadata_cost,
     .memory = metadata_memory},
    {.info = {.id = OperatorId::Bitmatrix,
              .family = OperatorFamily::Metadata,
              .name = "bitmatrix",
              .title = "Bit matrix",
              .explain = "Which experts each token selects, as a matrix of bits with its column sums "
                         "and both orders of its entries, as Triton keeps a routing.",
              .variants = kBitmatrixVariants,
              .alternative = true},
     .cost = bitmatrix_cost,
     .memory = bitmatrix_memory},
    {.info = {.id = OperatorId::RaggedMetadata,
              .family = OperatorFamily::Metadata,
              .name = "ragged_metadata",
              .title = "Ragged metadata",
              .explain = "Offsets and block schedules of the experts' rows for blocks of 16, 32, 64 "
                         "and 128 rows at once, as Triton's ragged tensors have them.",
              .variants = kRaggedVariants,
              .alternative = true},
     .cost = ragged_cost,
     .memory = ragged_memory},
    {.info = {.id = OperatorId::RoutingData,
              .family = OperatorFamily::Metadata,
              .name = "routing_data",
              .title = "Routing data",
              .explain = "What Triton's older matrix kernels read: weights sorted by expert, gather "
                         "and scatter indices, a histogram and schedules for four block sizes.",
              .variants = kRoutingDataVariants,
              .alternative = true},
     .cost = routing_data_cost,
     .memory = routing_data_memory},
    {.info = {.id = OperatorId::Route,
              .family = OperatorFamily::Metadata,
              .name = "route",
              .title = "Route",
              .explain = "Logits to weights, experts, sorted tokens, counts, offsets and the tile "
                         "schedule: all that the grouped products read, in one call.",
              .variants = kRouteVariants,
              .alternative = true},
     .cost = route_cost,
     .memory = route_memory},
};

} // namespace

Definitions metadata_operators() { return kOperators; }

} // namespace moescope
