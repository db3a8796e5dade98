// Sessions made up for tests: the same bits on every call and machine, nothing measured.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>

namespace moescope::test {

// Rich and realistic, for drawing and for the rules exports must keep. Two runs on one device:
// run 0, Qwen3.5-35B-A3B at 8,192 tokens, finished: every operator and variant, 40 tile candidates
// of every fate, routing over 256 experts, some 400 kernels with their API calls, L2 flushes and
// ledger; run 1, Mixtral-8x7B at 512 tokens, which failed half-way: a failed, a cancelled, a
// running and a queued measurement, dropped records, a dead worker.
SessionPtr sample_session();

// Small enough to be read in a golden file, with every awkward case once: overlapping kernels,
// stream 0, kernels without a launch, names with quotes, line breaks, commas and Unicode, NaN and
// infinity.
SessionPtr small_session();

// As the finished run of the sample, again and again over a few numbers of tokens: at least that many
// kernels, each with its launch, and what belongs to them.
SessionPtr large_session(std::size_t kernels);
// The same of so many runs, with more or fewer repetitions of everything.
SessionPtr session_of_runs(std::size_t runs, int repetitions);

} // namespace moescope::test
