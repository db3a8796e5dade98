// The sessions of several ranks as one: one time axis, and each rank a device and a process of its own.
#pragma once

#include "profiler/ranks/clock.h"
#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope {

struct RankSession {
    Session session;
    ClockOffset clock; // its clock against rank 0's
    Error lost;        // why there is no more of it; empty where all is there
};

// By rank, of one of which at least there is a run. Times are put on rank 0's clock, device numbers become the ranks',
// and every run's device keeps how far its clock was off and how well that is known. A rank of which there is nothing
// has a failed run without a device in its place, and every lost one a failure that says why.
Session merge_ranks(const std::vector<RankSession> &ranks, std::string title);

} // namespace moescope
