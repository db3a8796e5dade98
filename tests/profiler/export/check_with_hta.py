#!/usr/bin/env python3
"""Does Holistic Trace Analysis read an exported trace, and count what the session counts?

    check_with_hta.py MOESCOPE SESSION.moescope     needs: pip install HolisticTraceAnalysis (tried: 0.5.0)

Exports the session's Chrome trace with the program MOESCOPE, loads it with HTA, and holds against SQL
on the session: the number of kernels and their total time, by name; and, where the session has hardware
counters, every counter as a column of HTA's cuda_profiler_range rows. Exit 0: all the same; 1: not;
77: HTA is not installed.
"""

import collections
import os
import sqlite3
import subprocess
import sys
import tempfile

os.environ["HTA_DISABLE_NS_ROUNDING"] = "1"  # else HTA shortens every slice to whole microseconds

try:
    from hta.trace_analysis import TraceAnalysis
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install HolisticTraceAnalysis", file=sys.stderr)
    sys.exit(77)


def by_name(rows):
    """{name: (count, nanoseconds)}"""
    totals = collections.defaultdict(lambda: [0, 0])
    for name, ns in rows:
        totals[name][0] += 1
        totals[name][1] += ns
    return {name: tuple(total) for name, total in totals.items()}


def of_session(path):
    session = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    kernels = by_name(session.execute(
        "SELECT coalesce(n.text, 'unknown kernel'), end_ns - start_ns FROM kernels "
        "LEFT JOIN names n ON n.id = kernels.name"))
    has_counters = session.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'counters'").fetchone()[0]
    counters = collections.Counter()
    if has_counters:
        counters.update(metric for (metric,) in session.execute(
            "SELECT n.text FROM counters c JOIN names n ON n.id = c.metric"))
    return kernels, counters


def of_hta(folder):
    analysis = TraceAnalysis(trace_dir=folder)
    trace = analysis.t.get_trace(0)
    names = analysis.t.symbol_table.get_sym_table()
    category = trace["cat"].map(lambda at: names[at])
    kernels = trace[category == "kernel"]
    ranges = trace[category == "cuda_profiler_range"]
    kernels = by_name((names[name], round(us * 1000))
                      for name, us in zip(kernels["name"], kernels["dur"]))
    return analysis, kernels, ranges


def main(program, session):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "export", session, "--chrome-trace",
                        os.path.join(folder, "rank0.json.gz")], check=True)
        expected, counters = of_session(session)
        analysis, kernels, ranges = of_hta(folder)
        breakdown = analysis.get_gpu_kernel_breakdown(visualize=False, num_kernels=1000)[1]
        wrong = [f"{name[:60]}: {expected.get(name)} in the session, {kernels.get(name)} in HTA"
                 for name in sorted(expected.keys() | kernels.keys())
                 if expected.get(name) != kernels.get(name)]
        for metric, count in counters.items():
            seen = int((ranges[metric] != -1).sum()) if metric in ranges else 0
            if seen != count:
                wrong.append(f"{metric}: {count} in the session, {seen} in HTA")
    total = sum(ns for _, ns in expected.values())
    print(f"{session}: {sum(n for n, _ in expected.values())} kernels of {len(expected)} names, "
          f"{total / 1e6:.3f} ms; {sum(counters.values())} counters; HTA's breakdown, copies and fills with "
          f"them, has {len(breakdown)} names, {breakdown['sum (us)'].sum() / 1e3:.3f} ms")
    for each in wrong:
        print(f"different: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
