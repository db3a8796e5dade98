// What the manual page says beside the options, in the man macros.
#pragma once

namespace moescope::cli {

constexpr const char *kManualDescription = R"(.SH DESCRIPTION
.B moescope
shows why Mixture\-of\-Experts kernels take the time they take.
It runs the real CUDA kernels of a model's expert layer (routing, LoRA scatter2scatter, whole layers,
dequantisation, log\-probabilities), times every launch, and shows the result in a window: against the
hardware's limits, variant against variant, tile against tile.
.PP
Without a command it opens the window, on the session files that are named.
With a command it measures, converts or lists on the command line, from the same plans as the window.
A session is one
.I .moescope
file, which is an SQLite database;
.B moescope schema
prints its tables.
.PP
The measuring is done by
.BR moescope\-worker (1),
which owns the GPU.
It is started as a child, or through
.BR ssh (1)
on another machine.
Without a GPU the references run on the device
.BR cpu ,
labelled as what they are.
)";

constexpr const char *kManualEnd = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
A measurement or a check failed, or
.B compare
found a regression.
.TP
.B 2
The request was wrong: the message names the option, its value and what is allowed.
.SH ENVIRONMENT
.TP
.B MOESCOPE_WORKER
The worker's program, where it is not beside
.B moescope
or on the PATH.
.TP
.B MOESCOPE_ASSETS
The folder of the model catalogue, the themes and the recorded sessions.
.TP
.B MOESCOPE_CACHE_DIR
Where compiled tile kernels are kept.
.TP
.BR MOESCOPE_NO_CUPTI ", " MOESCOPE_NO_NVML
Set to anything: times come from CUDA events; clocks, power and temperature are not read.
.SH FILES
.TP
.I ~/.config/moescope/
The window's settings.
.TP
.I ~/.local/share/moescope/live/
What was measured in the window, written as it goes; the last twenty are kept.
.TP
.I ~/.cache/moescope/
Compiled kernels, tuned tiles and measured ceilings.
.PP
.BR XDG_CONFIG_HOME ", " XDG_DATA_HOME " and " XDG_CACHE_HOME
move them.
.SH EXAMPLES
.TP
Measure a model's layer, then look at it:
.nf
moescope run \-\-model OLMoE\-1B\-7B \-\-tokens 2048 \-\-out first.moescope
moescope first.moescope
.fi
.TP
Find the fastest tiles on a GPU behind ssh:
.nf
moescope tune \-\-model Qwen3\-30B\-A3B \-\-ops gate_up \-\-remote user@gpu\-host
.fi
.TP
What changed? Exit 1 where something is 3 % slower:
.nf
moescope compare before.moescope after.moescope \-\-threshold 3%
.fi
.TP
Ask a session with SQL:
.nf
sqlite3 first.moescope "SELECT operator, variant, median_us FROM results"
.fi
.SH SEE ALSO
.BR moescope\-worker (1),
.BR ssh (1),
.BR sqlite3 (1)
)";

} // namespace moescope::cli
