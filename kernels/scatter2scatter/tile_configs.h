// Which tiles are worth trying for a shape, and which one to take unasked: plain C++, for the tuner
// and for the library.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <string>
#include <vector>

namespace moescope::scatter2scatter {

// The tiles a tuner tries, most promising first: every one can be built for these args, and none
// is larger than twice what the rows an expert gets (slots / experts) and N can fill. Whether it
// fits the device's shared memory is for dynamic_smem_bytes() to say, whether it spills for the
// compiler. Pointers of args are not read.
// The Hopper family's are among them where the architecture ("sm_90a"; "" for none in particular) and
// the variant have it.
std::vector<ms_tile_config> candidate_configs(const ms_scatter2scatter_args &args,
                                              const std::string &arch = "");

// block_m of the tiles that a family's tuner tries, smallest first.
std::vector<int> row_tile_sizes(ms_tile_family family);

// The tile an all-zero config stands for.
ms_tile_config default_config(const ms_scatter2scatter_args &args, const std::string &arch = "");

// Shared memory a block asks for, in the hungriest of the variant's kernels.
int dynamic_smem_bytes(const ms_scatter2scatter_args &args, const ms_tile_config &config);

} // namespace moescope::scatter2scatter
