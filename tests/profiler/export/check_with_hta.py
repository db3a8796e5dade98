#!/usr/bin/env python3
"""Does Holistic Trace Analysis read an exported trace, and count what the session counts?

    check_with_hta.py MOESCOPE SESSION.moescope     needs: pip install HolisticTraceAnalysis 'pandas<3'

(Tried: 0.5.0; its call graph does not run with pandas 3.) Exports the session's Chrome trace with the
program MOESCOPE, loads it with HTA, and holds against SQL on the session: the number of kernels and their
total time, by name; the number and the mean bandwidth of copies and fills (get_memory_bw_summary); that
HTA's queue lengths and its trace with counters come out; and, where the session has hardware counters,
every counter as a column of HTA's cuda_profiler_range rows, and by get_cupti_counter_data_with_operators
each kernel's counters beside the operator that launched it.

That function takes the trace of a profiler that counts every launch: one range a launch, in order, under a
cpu_op. A session counts the kernels of one repetition, so it gets the counted launches of the exported
trace alone, under a cpu_op named after their operator and variant; whole repetitions are left out.
Exit 0: all the same; 1: not; 77: HTA is not installed.
"""

import collections
import gzip
import json
import math
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


def copies_of_session(path):
    """{Memcpy or Memset: (count, mean GB/s)} of those that took time and are as fast as HTA believes."""
    session = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rates = collections.defaultdict(list)
    for kind, size, ns in session.execute("SELECT kind, bytes, end_ns - start_ns FROM copies"):
        if ns > 0 and size > 0:
            rates["Memset" if kind == "set" else "Memcpy"].append(size / ns)
    return {kind: (len(all_), sum(all_) / len(all_)) for kind, all_ in rates.items()}


def check_copies(analysis, path):
    summary = analysis.get_memory_bw_summary(ranks=[0])
    expected, seen = copies_of_session(path), collections.defaultdict(lambda: [0, 0.0])
    for (_, name), row in (summary.iterrows() if summary is not None else ()):
        count, mean = row[("memory_bw_gbps", "count")], row[("memory_bw_gbps", "mean")]
        kind = "Memset" if name.startswith("Memset") else "Memcpy"
        seen[kind][0] += int(count)
        seen[kind][1] += count * mean
    wrong = []
    for kind, (count, mean) in expected.items():
        found = seen[kind]
        if found[0] != count or abs(found[1] / max(1, found[0]) - mean) > 1e-3 * mean:
            wrong.append(f"{kind}: {count} of {mean:.3f} GB/s in the session, {found[0]} of "
                         f"{found[1] / max(1, found[0]):.3f} in HTA's summary")
    return wrong


def check_series(analysis, folder):
    """Queue lengths that are whole and not negative, and the trace with HTA's own counters."""
    wrong, lengths = [], analysis.get_queue_length_summary(ranks=[0])
    if lengths is None or lengths.empty or (lengths[("queue_length", "min")] < 0).any():
        wrong.append(f"queue lengths: {lengths}")
    analysis.generate_trace_with_counters(ranks=[0])
    with gzip.open(os.path.join(folder, "rank0_with_counters.json.gz")) as file:
        added = collections.Counter(event["name"].split(" ")[0] for event in json.load(file)["traceEvents"]
                                    if event.get("ph") == "C")
    if not any("Queue" in name for name in added):
        wrong.append(f"HTA's trace with counters has the counters {dict(added)} alone")
    return wrong, lengths


def counted_kernels(path):
    """[({counter: value}, kernel, operator)] of kernels that were counted on their own."""
    session = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    counted = {}
    for measurement, place, kernel, metric, value, operator in session.execute(
            "SELECT c.measurement, c.kernel, r.text, n.text, c.value, m.operator || ' / ' || m.variant FROM counters c "
            "JOIN names n ON n.id = c.metric JOIN names r ON r.id = c.range JOIN measurements m ON m.id = c.measurement "
            "WHERE c.kernel >= 0 ORDER BY c.measurement, c.kernel"):
        counted.setdefault((measurement, place), ({}, kernel, operator))[0][metric] = value
    return list(counted.values())


def as_profiler_trace(exported, counted):
    """The counted launches of an exported trace alone, each range under its launch and that under a cpu_op."""
    with gzip.open(exported) as file:
        trace = json.load(file)
    events = trace["traceEvents"]
    launches = {event["args"]["correlation"]: event for event in events if event.get("cat") == "cuda_runtime"}
    kernels = {(event["ts"], event["name"]): event for event in events if event.get("cat") == "kernel"}
    left = list(counted)
    pairs = []
    for event in events:
        if event.get("cat") != "cuda_profiler_range":
            continue
        found = next((each for each in left if each[1] == event["name"] and each[0] == event["args"]), None)
        if found:
            left.remove(found)
            kernel = kernels[(event["ts"], event["name"])]
            pairs.append((launches[kernel["args"]["correlation"]], event, found[2]))
    pairs.sort(key=lambda pair: pair[0]["ts"])
    rows = [event for event in events if event.get("ph") == "M"]
    for at, (launch, event, operator) in enumerate(pairs):  # whole microseconds, as HTA's call graph wants them
        ts = at * 1000
        rows.append({**launch, "name": "cudaLaunchKernel", "ts": ts + 10, "dur": 10, "args": {"correlation": at + 1}})
        rows.append({"ph": "X", "cat": "cpu_op", "name": operator, "pid": launch["pid"], "tid": launch["tid"],
                     "ts": ts, "dur": 100, "args": {"External id": at + 1}})
        rows.append({**event, "ts": ts + 200, "dur": 100})
    return {**trace, "traceEvents": rows}, len(left)


def check_counters_by_operator(exported, path):
    counted = counted_kernels(path)
    trace, missing = as_profiler_trace(exported, counted)
    wrong = [f"{missing} counted kernels are not in the exported trace"] if missing else []
    os.environ.pop("HTA_DISABLE_NS_ROUNDING")  # with it, HTA's call graph gets numbers that it cannot compare
    with tempfile.TemporaryDirectory() as folder:
        with gzip.open(os.path.join(folder, "rank0.json.gz"), "wt") as file:
            json.dump(trace, file)
        frames = TraceAnalysis(trace_dir=folder).get_cupti_counter_data_with_operators(ranks=[0])
    if not frames:
        return wrong + ["HTA found no counters by operator"], 0
    seen = [({metric: row[metric] for metric in each[0]}, row["name"], row["top_level_op"])
            for row in frames[0].to_dict("records") for each in counted[:1]]
    for values, kernel, operator in counted:
        if not any(name == kernel and op == operator and
                   all(math.isclose(value, found[metric], rel_tol=1e-9) for metric, value in values.items())
                   for found, name, op in seen):
            wrong.append(f"{operator}: the counters of {kernel[:60]} are not in HTA's table")
    return wrong, len(seen)


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
        wrong += check_copies(analysis, session)
        series, lengths = check_series(analysis, folder)
        wrong += series
        by_operator = 0
        if counters:
            found, by_operator = check_counters_by_operator(os.path.join(folder, "rank0.json.gz"), session)
            wrong += found
    total = sum(ns for _, ns in expected.values())
    print(f"{session}: {sum(n for n, _ in expected.values())} kernels of {len(expected)} names, "
          f"{total / 1e6:.3f} ms; {sum(counters.values())} counters; HTA's breakdown, copies and fills with "
          f"them, has {len(breakdown)} names, {breakdown['sum (us)'].sum() / 1e3:.3f} ms")
    print(f"launches waiting: at most {lengths[('queue_length', 'max')].max():.0f}; {by_operator} kernels with their "
          f"counters and operator by get_cupti_counter_data_with_operators")
    for each in wrong:
        print(f"different: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
