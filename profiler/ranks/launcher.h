// Which rank of how many this process is, as the user's own launcher said it: torchrun, Open MPI's
// mpirun, MPICH's and Intel's, srun; without one, the only rank. Nothing is started here.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace moescope {

struct LaunchedRank {
    std::string launcher; // "torchrun", "Open MPI", "MPI", "Slurm"; "" for none
    std::int32_t rank = 0, size = 1;
    std::int32_t local_rank = 0, local_size = 1; // among those of this machine
    std::string host; // where rank 0 can be met
    std::int32_t port = 0;
    std::string job; // tells ranks of one start from those of another; "" where the launcher does not
};

// A variable's value, or nothing where it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view)>;
Environment process_environment();

inline constexpr std::int32_t kDefaultMeetingPort = 29471;

// The innermost launcher counts: torchrun before MPI before Slurm. `meet` ("HOST:PORT", "" for none)
// is where the user wants the ranks to meet; else it is MASTER_ADDR and the port after MASTER_PORT,
// which torchrun itself listens on. Errors name the variable, its value and what is allowed; ranks on
// several machines without an address are one.
Result<LaunchedRank> find_rank(const Environment &environment, std::string_view meet = "");

// The CUDA device of a rank on a machine with `devices` of them: its local number, or the only one
// that the launcher left visible.
Result<std::string> device_of_rank(const LaunchedRank &rank, std::int32_t devices);

} // namespace moescope
