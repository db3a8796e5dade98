#!/usr/bin/env python3
"""Holds MoEScope's hardware counters against Nsight Compute's for the same launches, and says what
capturing costs. Needs a CUDA GPU, ncu, and leave to read counters (root, or the driver's setting).

    tests/profiler/counters_against_ncu.py MOESCOPE [--out FOLDER] [--name NAME]

Both sides run `moescope run` with the same plan, so the same kernels on the same inputs after the same
flush of the L2. MoEScope's counters are the kernel-by-kernel ranges of several runs; ncu's are the timed
repetitions of the same plan with CUPTI left out, in one pass (so that nothing is replayed), clocks and
caches left alone as they are for MoEScope. Compared are medians, kernel by kernel.

What capturing costs: CUDA events round the same repetitions with capture on and off, in turn.

Writes FOLDER/NAME.json and FOLDER/NAME.md; exit status 1 where a difference is larger than allowed."""
import argparse
import collections
import csv
import datetime
import io
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

TOLERANCE = 0.03
CAPTURE_LIMIT = 0.02
METRICS = {  # what is compared: the counters it sums, and their unit
    "duration": (("gpu__time_duration.sum",), "ns"),
    "DRAM": (("dram__bytes_read.sum", "dram__bytes_write.sum"), "bytes"),
    "occupancy": (("sm__warps_active.avg.pct_of_peak_sustained_active",), "%"),
}
# Below these a relative difference says nothing: a launch's start is as long, and the L2 writes back some
# hundred kilobytes of what was there before.
LEAST_NS = 20e3
LEAST = {"ns": LEAST_NS, "bytes": 16e6, "%": 1}
PLAN = ["--model", "OLMoE-1B-7B", "--tokens", "16384", "--ops", "gate_up,selective_dequant,entropy,softmax_topk",
        "--variants", "base,fused,split,extra_k,selective,full,dense,one_read,block_merge_sort,scalar", "--no-check",
        "--max-seconds", "30"]  # a profiled launch takes long
WARMUP, REPETITIONS = 1, 5
RUNS = 3  # of MoEScope's counter passes, a sample each
ROUNDS = 5  # with capture on and off
COUNTERS = [name for names, _ in METRICS.values() for name in names]
NAMES = ",".join(COUNTERS)


def short(name):
    """The function's own name, as both tools print it with more or less round it."""
    depth, out = 0, ""
    for letter in re.sub(r"\(.*$", "", name.replace("(anonymous namespace)::", "")):
        depth += letter == "<"
        out += letter if depth == 0 else ""
        depth -= letter == ">"
    return out.split()[-1].split("::")[-1] if out.split() else name


def moescope(program, samples, extra, folder, env=None, prefix=()):
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [*prefix, program, "run", *PLAN, "--warmup", str(WARMUP), "--min-samples", str(samples),
                   "--max-samples", str(samples), "--json", "--out", f"{scratch}/run.moescope", *extra]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout[done.stdout.index("{\n"):])


def key_of(measurement):
    return measurement["operator"], measurement["variant"]


def ours(program, folder):
    """The device; and {(operator, variant): [(kernel, {metric: [value of each run]})]} in launch order."""
    found = {}
    for _ in range(RUNS):
        document = moescope(program, REPETITIONS, [f"--counters={NAMES}"], folder)
        if document["steps_down"]:
            sys.exit("; ".join(document["steps_down"]))
        for measurement in document["measurements"]:
            kernels = found.setdefault(key_of(measurement), {})
            for counter in measurement["counters"]:
                if counter["kernel"] is not None:
                    values = kernels.setdefault((counter["kernel"], short(counter["range"])), {})
                    values.setdefault(counter["metric"], []).append(counter["value"])
    return document["device"], {key: [(name, values) for (_, name), values in sorted(kernels.items())]
                                for key, kernels in found.items()}


def ncus(ncu, program, folder):
    """Every launch of the plan in order: (kernel, {metric: value})."""
    log = pathlib.Path(folder) / "ncu.csv"
    prefix = [ncu, "--target-processes", "all", "--clock-control", "none", "--cache-control", "none", "--csv",
              "--page", "raw", "--print-units", "base", "--metrics", NAMES, "--log-file", str(log)]
    moescope(program, REPETITIONS, ["--no-capture"], folder, env={"MOESCOPE_NO_CUPTI": "1"}, prefix=prefix)
    text = log.read_text()
    rows = list(csv.DictReader(io.StringIO(text[text.index('"ID"'):])))[1:]  # the first row holds units
    return [(short(row["Kernel Name"]), {name: float(row[name].replace(",", "")) for name in COUNTERS})
            for row in rows]


def find_repetitions(launches, kernels, start):
    """The measurement's launches from `start` on: its repetitions without the warm-up, each in `kernels`' order,
    and what follows. Within a repetition a tool may list launches in another order than they were made in."""
    names = [name for name, _ in launches]
    length = len(kernels) * (WARMUP + REPETITIONS)
    wanted = {name: kernels.count(name) * (WARMUP + REPETITIONS) for name in kernels}
    for at in range(start, len(names) - length + 1):
        if collections.Counter(names[at:at + length]) == wanted:
            of_name = {name: iter([one for one in launches[at:at + length] if one[0] == name]) for name in kernels}
            repetitions = [[next(of_name[name]) for name in kernels] for _ in range(WARMUP + REPETITIONS)]
            return repetitions[WARMUP:], at + length
    return [], start


def spread(values):
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def summed(names, values):
    """Of one launch after another, the sum of these counters."""
    return [sum(parts) for parts in zip(*(values[name] for name in names))]


def compared(title, mine, theirs, long_enough):
    names, unit = METRICS[title]
    a, b = (statistics.median(summed(names, values)) for values in (mine, theirs))
    return {"counters": {name: {"moescope": mine[name], "ncu": theirs[name]} for name in names}, "unit": unit,
            "moescope": a, "ncu": b, "difference": (a - b) / b if b else 0.0,
            "counts": long_enough and max(a, b) >= LEAST[unit],
            "moescope_spread": spread(summed(names, mine)), "ncu_spread": spread(summed(names, theirs))}


def compare(found, launches):
    rows, start = [], 0
    for (operator, variant), kernels in found.items():
        repetitions, start = find_repetitions(launches, [name for name, _ in kernels], start)
        for place, (kernel, values) in enumerate(kernels):
            row = {"operator": operator, "variant": variant, "kernel": kernel, "place": place + 1, "metrics": {}}
            if not repetitions:
                row["problem"] = "ncu did not see these launches"
            else:
                theirs = {name: [one[place][1][name] for one in repetitions] for name in COUNTERS}
                long_enough = statistics.median(theirs["gpu__time_duration.sum"]) >= LEAST_NS
                row["metrics"] = {title: compared(title, values, theirs, long_enough) for title in METRICS}
            rows.append(row)
    return rows


def capture_cost(program, folder):
    pairs = {}
    for number in range(ROUNDS):
        order = [[], ["--no-capture"]]
        for extra in order if number % 2 == 0 else order[::-1]:
            for measurement in moescope(program, 40, extra, folder)["measurements"]:
                times = pairs.setdefault(key_of(measurement), {"on": [], "off": []})
                times["off" if extra else "on"].append(measurement["event_median_ns"])
    rows = []
    for (operator, variant), times in pairs.items():
        on, off = statistics.median(times["on"]), statistics.median(times["off"])
        rows.append({"operator": operator, "variant": variant, "capturing_ns": on, "alone_ns": off,
                     "difference": on / off - 1, "counts": off >= LEAST["ns"],
                     "spread": spread(times["off"]), "rounds": ROUNDS})
    return rows


def problems(document):
    found = []
    for row in document["counters"]:
        where = f"{row['operator']}/{row['variant']}, {row['kernel']}"
        if "problem" in row:
            found.append(f"{where}: {row['problem']}")
        for title, one in row["metrics"].items():
            if one["counts"] and abs(one["difference"]) > TOLERANCE:
                found.append(f"{where}: {title} differs by {one['difference']:+.1%}")
    for row in document["capture"]:
        if row["counts"] and row["difference"] > CAPTURE_LIMIT:
            found.append(f"{row['operator']}/{row['variant']}: capturing costs {row['difference']:+.1%}")
    return found


def quantity(one, side):
    value = one[side]
    if one["unit"] == "ns":
        return f"{value / 1e3:,.1f} µs"
    return f"{value / 1e6:,.2f} MB" if one["unit"] == "bytes" else f"{value:.1f} %"


def markdown(document):
    lines = ["# Hardware counters against Nsight Compute", "",
             f"{document['device']}, driver {document['driver']}, {document['ncu']}, {document['date']}. Made by "
             f"`tests/profiler/counters_against_ncu.py`: `moescope run {' '.join(document['plan'])}`, medians of "
             f"{RUNS} runs (MoEScope) and {REPETITIONS} launches (ncu, `--clock-control none`). Allowed: "
             f"{TOLERANCE:.0%}. DRAM: bytes read and written. In brackets: not compared, in a kernel "
             f"of less than {LEAST_NS / 1e3:.0f} µs or being less than {LEAST['bytes'] / 1e6:.0f} MB.", "",
             "| operator | kernel | " + "".join(f"{title} | ncu | diff | " for title in METRICS).strip(),
             "|---|---|" + "--:|--:|--:|" * len(METRICS)]
    for row in document["counters"]:
        cells = []
        for title in METRICS:
            one = row["metrics"].get(title)
            difference = "" if not one else f"{one['difference']:+.1%}"
            cells += [quantity(one, "moescope"), quantity(one, "ncu"), difference if one["counts"] else f"({difference})"] \
                if one else ["", row.get("problem", ""), ""]
        lines.append(f"| {row['operator']} / {row['variant']} | {row['place']}: `{row['kernel']}` | " + " | ".join(cells) + " |")
    lines += ["", "## What capturing costs", "",
              f"CUDA events round the same repetitions with CUPTI's activity capture on and off, in turn, {ROUNDS} "
              f"rounds of 40. Allowed: {CAPTURE_LIMIT:.0%}. In brackets: too short to say.", "",
              "| operator | capturing | alone | difference | spread between rounds |", "|---|--:|--:|--:|--:|"]
    for row in document["capture"]:
        difference = f"{row['difference']:+.2%}"
        lines.append(f"| {row['operator']} / {row['variant']} | {row['capturing_ns'] / 1e3:,.1f} µs | "
                     f"{row['alone_ns'] / 1e3:,.1f} µs | {difference if row['counts'] else f'({difference})'} | "
                     f"{row['spread']:.1%} |")
    found = problems(document)
    lines += ["", "Outside of what is allowed: " + ("nothing." if not found else ""), *[f"- {one}" for one in found]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moescope")
    parser.add_argument("--out", default=str(pathlib.Path(__file__).parent))
    parser.add_argument("--name", default="counters_h200")
    options = parser.parse_args()
    ncu = shutil.which("ncu") or "/usr/local/cuda/bin/ncu"
    version = subprocess.run([ncu, "--version"], capture_output=True, text=True).stdout.strip().splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder:
        device, found = ours(options.moescope, folder)
        document = {"format": "moescope.counters_against_ncu", "version": 1,
                    "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                    "device": device["name"], "driver": device["driver"], "ncu": "ncu " + version.split()[1], "plan": PLAN,
                    "tolerance": TOLERANCE, "capture_limit": CAPTURE_LIMIT,
                    "counters": compare(found, launches := ncus(ncu, options.moescope, folder)),
                    "launches": [[name, len(list(same))] for name, same in itertools.groupby(launches, lambda one: one[0])],
                    "capture": capture_cost(options.moescope, folder)}
    out = pathlib.Path(options.out)
    (out / f"{options.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / f"{options.name}.md").write_text(markdown(document))
    print(markdown(document))
    return 1 if problems(document) else 0


if __name__ == "__main__":
    sys.exit(main())
