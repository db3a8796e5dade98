// The experts' matrix products: one shape and batch, every variant and tile of it.
#pragma once

#include "tests/benchmarks/device.h"
#include "tests/benchmarks/route.h"
#include "tests/benchmarks/row.h"
#include "tests/benchmarks/tiles.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope::bench {

struct GroupedShape {
    std::string name;
    std::int32_t experts = 1, k = 0, n = 0, top_k = 1; // a weight is [K, N]
    bool down = false; // rows come grouped and leave by slot; else the other way round

    Workload workload(std::int64_t tokens, std::int32_t rank) const;
    OperatorId op() const { return down ? OperatorId::Down : OperatorId::GateUp; }
};

struct Batch {
    std::int64_t tokens = 2048;
    std::int32_t rank = 0;
    Load load = Load::Uniform;
};

// Nf4: the base product of weights that stay NF4 in memory.
enum class GroupedPass { Base, Lora, InputGradient, Nf4 };

struct Tile {
    ms_s2s_variant variant = MS_S2S_FUSED;
    ms_tile_config config{};
    std::string text() const; // "extra_k 64x128x64 w4 s4"
    bool operator==(const Tile &other) const { return text() == other.text(); }
};

class GroupedCase {
  public:
    struct Input {
        const void *x = nullptr, *a = nullptr, *b = nullptr;
        void *w = nullptr, *y = nullptr, *xa = nullptr, *workspace = nullptr;
        ms_expert_weights nf4{};
    };

    // keeps_xa: the call stores XA (of a gradient: YB), as training does.
    GroupedCase(const GroupedShape &shape, const Batch &batch, GroupedPass pass,
                bool keeps_xa = false);

    // The fastest of every variant and tile worth trying.
    Tile tune();
    // The one among those that has this text; throws where none has.
    Tile named(const std::string &text) const;
    ms_tile_config default_config() const; // of extra-K
    Launch launch(const Tile &tile) { return launch(tile, rank()); }
    int sets() const { return int(inputs_.size()); }
    Cost cost() const;
    const std::vector<Choice> &tried() const { return tried_; }

    const Input &input(int set) const { return inputs_[std::size_t(set)]; }
    const Routing &routing() const { return routing_; }

  private:
    Input make_input();
    bool has_lora() const {
        return pass_ == GroupedPass::Lora || pass_ == GroupedPass::InputGradient;
    }
    std::int32_t rank() const { return has_lora() ? batch_.rank : 0; }
    ms_scatter2scatter_args args_of(const Tile &tile, std::int32_t rank) const; // no pointers
    Launch launch(const Tile &tile, std::int32_t rank);
    std::vector<ms_s2s_variant> variants() const;
    std::vector<Tile> all_tiles(ms_s2s_variant variant, std::int32_t rank) const;
    std::vector<Tile> fastest_first(const std::vector<Tile> &tiles, std::int32_t rank);
    const std::vector<Tile> &base_order();

    GroupedShape shape_;
    Batch batch_;
    GroupedPass pass_;
    bool keeps_xa_;
    Memory memory_;
    Routing routing_;
    std::size_t workspace_bytes_ = 0;
    std::vector<Input> inputs_;
    std::vector<Choice> tried_;
};

// The fastest tile's, or the named one's. `grouped` is what the case holds.
Case grouped_case(const GroupedShape &shape, const Batch &batch, GroupedPass pass,
                  const std::string &config, GroupedCase **grouped = nullptr);

} // namespace moescope::bench
