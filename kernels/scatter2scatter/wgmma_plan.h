// How the Hopper family of tile kernels is cut: what kernel_plan.h asks about a config of
// MS_TILE_WGMMA. The layout formulas mirror scatter2scatter_wgmma.jit.cu, which asserts that both
// agree.
#pragma once

#include "kernels/scatter2scatter/kernel_plan.h"

#include <string>
#include <vector>

namespace moescope::scatter2scatter::wgmma {

std::string config_problem(const ms_tile_config &config);

// What the family cannot do of a call that another could.
std::string call_problem(const ms_scatter2scatter_args &args, const std::string &arch);

int dynamic_smem_bytes(const ms_tile_config &config, bool out_f32);

std::vector<std::string> kernel_defines(const KernelShape &shape);

// Rows of X in one box of the copy engine.
constexpr int kXBoxRows = 32;

} // namespace moescope::scatter2scatter::wgmma
