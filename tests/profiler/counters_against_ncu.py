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
import csv
import datetime
import io
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
METRICS = {
    "duration": ("gpu__time_duration.sum", "ns"),
    "DRAM read": ("dram__bytes_read.sum", "bytes"),
    "DRAM written": ("dram__bytes_write.sum", "bytes"),
    "occupancy": ("sm__warps_active.avg.pct_of_peak_sustained_active", "%"),
}
# Below these a relative difference says nothing: a launch's own traffic and start are as large.
LEAST = {"ns": 20e3, "bytes": 4e6, "%": 1}
PLAN = ["--model", "OLMoE-1B-7B", "--tokens", "16384", "--ops", "gate_up,selective_dequant,entropy,softmax_topk",
        "--no-check"]
WARMUP, REPETITIONS = 1, 5
RUNS = 3  # of MoEScope's counter passes, a sample each
ROUNDS = 5  # with capture on and off
NAMES = ",".join(name for name, _ in METRICS.values())


def short(name):
    """The function's own name, as both tools print it with more or less round it."""
    depth, out = 0, ""
    for letter in re.sub(r"\(.*$", "", name):
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
    return [(short(row["Kernel Name"]), {name: float(row[name].replace(",", "")) for name, _ in METRICS.values()})
            for row in rows]


def find_repetitions(launches, kernels, start):
    """Where the measurement's launches are from `start` on: its repetitions without the warm-up, and what follows."""
    names = [name for name, _ in launches]
    wanted = kernels * (WARMUP + REPETITIONS)
    for at in range(start, len(names) - len(wanted) + 1):
        if names[at:at + len(wanted)] == wanted:
            first = at + WARMUP * len(kernels)
            return [launches[first + i * len(kernels):first + (i + 1) * len(kernels)] for i in range(REPETITIONS)], \
                at + len(wanted)
    return [], start


def spread(values):
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def compared(title, mine, theirs):
    name, unit = METRICS[title]
    a, b = statistics.median(mine), statistics.median(theirs)
    return {"metric": name, "unit": unit, "moescope": a, "ncu": b, "difference": (a - b) / b if b else 0.0,
            "counts": max(a, b) >= LEAST[unit], "moescope_spread": spread(mine), "ncu_spread": spread(theirs)}


def compare(found, launches):
    rows, start = [], 0
    for (operator, variant), kernels in found.items():
        repetitions, start = find_repetitions(launches, [name for name, _ in kernels], start)
        for place, (kernel, values) in enumerate(kernels):
            row = {"operator": operator, "variant": variant, "kernel": kernel, "place": place + 1, "metrics": {}}
            if not repetitions:
                row["problem"] = "ncu did not see these launches"
            else:
                for title, (name, _) in METRICS.items():
                    row["metrics"][title] = compared(title, values[name], [one[place][1][name] for one in repetitions])
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
             f"{TOLERANCE:.0%}. In brackets: not compared, being less than {LEAST['ns'] / 1e3:.0f} µs or "
             f"{LEAST['bytes'] / 1e6:.0f} MB.", "",
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
                    "counters": compare(found, ncus(ncu, options.moescope, folder)),
                    "capture": capture_cost(options.moescope, folder)}
    out = pathlib.Path(options.out)
    (out / f"{options.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / f"{options.name}.md").write_text(markdown(document))
    print(markdown(document))
    return 1 if problems(document) else 0


if __name__ == "__main__":
    sys.exit(main())
