#!/usr/bin/env python3
"""Checks PM sampling, PC sampling and the device's state on this machine's GPU, by the sessions that
`moescope run` writes. Needs a CUDA GPU and leave to read counters (root, or the driver's setting).

    tests/profiler/sampling_on_gpu.py MOESCOPE [--out FOLDER]

Held: samples of counters lie on the clock of the captured launches (busy inside long kernels, idle outside
every kernel); instructions are found in every measurement, most of them with their source line; more
metrics than one pass holds are refused with their passes; medians are the same with and without the state
sampler, in turn. Prints what it finds as JSON; exit status 1 where something does not hold."""
import argparse
import bisect
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile

PLAN = ["--model", "Qwen3.5-35B-A3B", "--tokens", "2048"]
ACTIVE = "sm__cycles_active.avg.pct_of_peak_sustained_elapsed"
SAMPLED = -2  # what repetition is of launches that were sampled
TURNS = 3
FILLS = 100  # blocks, from which on most multiprocessors have one
LONG_NS = 20e3  # from which on a timer's step of 32 ns says nothing
MEDIANS_WITHIN = 0.01


def run(moescope, arguments, **environment):
    return subprocess.run([moescope, "run", *PLAN, *arguments], capture_output=True, text=True,
                          env={**os.environ, **environment})


def alignment(session):
    """Of samples inside long kernels that fill the device which are busy, of those outside all kernels which are idle."""
    kernels = session.execute("SELECT start_ns, end_ns, grid_x * grid_y * grid_z FROM kernels WHERE repetition = ? "
                              "ORDER BY start_ns", (SAMPLED,)).fetchall()
    starts = [kernel[0] for kernel in kernels]
    samples = session.execute("SELECT s.start_ns, s.end_ns, s.value FROM pm_samples s JOIN names n ON n.id = s.metric "
                              "WHERE n.text = ?", (ACTIVE,)).fetchall()
    inside, outside = [], []
    for start, end, value in samples:
        before = bisect.bisect_right(starts, start) - 1
        if before >= 0 and kernels[before][1] >= end:
            if kernels[before][2] >= FILLS:
                inside.append(value > 50)
        elif (before < 0 or kernels[before][1] < start) and (before + 1 == len(kernels) or starts[before + 1] > end):
            outside.append(value < 5)
    return len(samples), inside, outside


def places(session):
    total, with_line = session.execute(
        "SELECT sum(samples), sum(CASE WHEN file IS NULL THEN 0 ELSE samples END) FROM pc_samples").fetchone()
    without = session.execute("SELECT operator || '/' || variant FROM measurements WHERE state = 'done' AND id NOT IN "
                              "(SELECT measurement FROM pc_samples)").fetchall()
    return total or 0, with_line or 0, [row[0] for row in without]


def medians(moescope, out, **environment):
    answer = run(moescope, ["--ops", "softmax_topk,gate_up", "--max-seconds", "0.3", "--json", "--out", out],
                 **environment)
    document = json.loads(answer.stdout)
    return {(m["operator"], m["variant"]): m["median_ns"] for m in document["measurements"]
            if m["median_ns"] >= LONG_NS}


def disturbance(moescope, folder):
    """By how much the medians with the state sampler exceed those without, medians over turns."""
    by_side = {False: {}, True: {}}
    for turn in range(TURNS):
        for without in (False, True):
            extra = {"MOESCOPE_NO_NVML": "1"} if without else {}
            for key, median in medians(moescope, str(folder / f"turn{turn}{without}.moescope"), **extra).items():
                by_side[without].setdefault(key, []).append(median)
    return {"/".join(key): statistics.median(values) / statistics.median(by_side[True][key]) - 1
            for key, values in by_side[False].items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moescope")
    parser.add_argument("--out", help="keep the sessions here")
    options = parser.parse_args()
    folder = pathlib.Path(options.out or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    failed = []

    def hold(what, holds):
        if not holds:
            failed.append(what)

    sampled = folder / "sampled.moescope"
    answer = run(options.moescope, ["--sample", "--pc-sampling", "--max-seconds", "0.3", "--out", str(sampled)])
    hold("the sampled run ends well: " + answer.stderr[-500:], answer.returncode == 0)
    if not sampled.exists():
        sys.exit(failed[0])
    session = sqlite3.connect(sampled)
    count, inside, outside = alignment(session)
    total, with_line, without = places(session)
    states = session.execute("SELECT count(*), min(sm_clock_mhz), max(sm_clock_mhz), max(power_w), max(temperature_c) "
                             "FROM device_states").fetchone()
    hold("samples inside long kernels are busy", inside and sum(inside) >= 0.95 * len(inside))
    hold("samples outside all kernels are idle", outside and sum(outside) >= 0.9 * len(outside))
    hold("instructions were sampled, most with a line", total > 0 and with_line > total / 2)
    hold("every measurement has sampled instructions, but " + ", ".join(without), not without)
    hold("the device's state was read", states[0] > 0 and states[1] > 0)

    refused = run(options.moescope, ["--ops", "softmax_topk", "--sample=sampling,lts__t_sector_hit_rate.pct",
                                     "--max-seconds", "0.1", "--out", str(folder / "refused.moescope")])
    hold("more than one pass is refused with the passes", refused.returncode == 1 and "2 passes" in refused.stderr)

    slower = disturbance(options.moescope, folder)
    hold("the state sampler leaves the medians alone", all(abs(each) < MEDIANS_WITHIN for each in slower.values()))
    print(json.dumps({"samples": count, "inside kernels": len(inside), "busy": sum(inside), "outside": len(outside),
                      "idle": sum(outside), "instruction samples": total, "with a line": with_line,
                      "states": dict(zip(["count", "least MHz", "most MHz", "most W", "most degC"], states)),
                      "medians with the state sampler over those without, minus one": slower, "failed": failed}, indent=2))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
