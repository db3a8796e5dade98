// Which routed tokens are whose: sorting, counting, scheduling.
//
//   route_metadata bytes = 12S + 4E + 4(E + 1)            ids in; sorted_slots, inverse, counts,
//                                                         offsets out; no tile schedule
#include "profiler/workload/operators/definition.h"

namespace moescope {

namespace {

constexpr VariantInfo kMetadataVariants[] = {
    {"counting_sort", "Counting sort",
     "A stable counting sort of the routed tokens by expert: deterministic, and nothing reaches "
     "the host."},
};

Cost metadata_cost(const CostCase &c) { return {12 * c.sizes.slots + 8 * c.sizes.experts + 4, 0}; }

double metadata_memory(const CostCase &c) {
    return c.sizes.metadata() + c.sizes.sort_workspace();
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
};

} // namespace

Definitions metadata_operators() { return kOperators; }

} // namespace moescope
