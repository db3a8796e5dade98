// Routings to measure under: even, skewed, degenerate.
#pragma once

#include "tests/benchmarks/device.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace moescope::bench {

enum class Load {
    Uniform,
    Zipf,      // popularity falls with rank to the power 1.2
    HalfEmpty, // every other expert gets nothing
    OneExpert, // every slot goes to expert 0
};
std::string_view text_of(Load load); // "uniform", "Zipf 1.2", ...

struct Routing {
    std::int64_t tokens = 0, slots = 0;
    std::int32_t experts = 0, top_k = 0;
    std::int32_t *ids = nullptr;    // [S]
    std::int32_t *counts = nullptr; // and so on, as ms_route_metadata writes them
    std::int32_t *offsets = nullptr, *sorted_slots = nullptr, *inverse = nullptr;
    std::vector<std::int32_t> host_counts;

    // The schedule of this many rows a tile, made when first asked for.
    const ms_tile *tiles(Memory &memory, std::int32_t block_rows);

  private:
    std::map<std::int32_t, ms_tile *> schedules_;
};

// Float32 router logits [T, E] with the load's popularity (OneExpert: as uniform).
float *make_logits(Memory &memory, std::int64_t tokens, std::int32_t experts, Load load,
                   std::uint64_t seed = 1);
Routing make_routing(Memory &memory, std::int64_t tokens, std::int32_t experts, std::int32_t top_k,
                     Load load);

} // namespace moescope::bench
