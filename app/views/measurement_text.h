// A measurement's numbers as words, with the sentence that explains each on hover.
#pragma once

#include "app/views/number.h"
#include "profiler/session/session.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace moescope {

const char *title_of(Measurement::Timer timer); // "CUPTI", "events", "host clock"
std::string explain(Measurement::Timer timer);
std::string title_of(const Measurement &measurement); // "Gate and up · Fused": as in the window

// "Mixtral-8x7B, T 2,048", with rank or device where they tell runs apart.
std::string workload_label(const Session &session, std::size_t run);
// "2 of 3: Mixtral-8x7B, T 2,048".
std::string run_label(const Session &session, std::size_t run);

// "4.21 µs", or "–" where there is none.
std::string duration_or_dash(double ns);

std::string counted(std::size_t number, std::string_view what); // "1 sample", "7 samples"

// What "±" means everywhere: half the median's 95 % confidence interval, as a share of the median. "±0.4 %", or
// "3 samples" where there are too few for an interval.
std::string spread_text(const Summary &time);
// True where little can be said of the median: its interval is wider than a fifth to either side.
bool is_doubtful(const Summary &time);
std::string time_text(const Summary &time); // "1.55 ms ±0.4 %", "3.90 s, 1 sample"
// "80 % of the samples lie between ... and .... The median is known to ±0.4 % (95 % confidence)."
std::string explain_spread(const Summary &time);
// "Median of 37 samples by CUPTI, with cold L2, after 3 warm-ups. 80 % of them lie between ... and ...; ...".
std::string explain_time(const Measurement &measurement);
std::string explain_bandwidth(const Measurement &measurement);
std::string explain_flops(const Measurement &measurement);
std::string explain_floor(const Measurement &measurement, const Ceilings &ceilings);
std::string explain_times_floor(const Measurement &measurement, const Ceilings &ceilings);
std::string explain_memory(const Measurement &measurement);
std::string explain_agreement(const Measurement &measurement);
std::string agreement_text(const Measurement &measurement); // "3.1e-03", "–"

// What a mark of a chart says: its time and how that was measured; the floor it is held against.
ui::Fact time_fact(const Measurement &measurement);
ui::Fact floor_fact(const Measurement &measurement, const Ceilings &ceilings);

} // namespace moescope
