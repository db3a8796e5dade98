#!/usr/bin/env python3
"""Finds what limits the rows of a benchmark's JSON, by Nsight Compute's counters, and writes it there.

    limiters.py benchmarks.json [--only TEXT]... [--missing] [--seconds N] [--program kernel_benchmarks]

Each row's best configuration is launched once under ncu, at the clocks as they are (run as root where
the driver keeps counters from others). The counters, one set a kernel of the launch, become the row's
"limiter": the kernel that took longest, what it kept busy, and the sentence that the table shows.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

SECTIONS = ["SpeedOfLight", "Occupancy", "WarpStateStats", "MemoryWorkloadAnalysis", "ComputeWorkloadAnalysis"]
ROWS_A_RUN = 6  # of the profiler: what it has found is written after each
BUSY = 75  # percent of the peak from which a unit is what limits

# Short name: the counters that may hold it, the first that the chip has.
COUNTERS = {
    "duration_us": ["gpu__time_duration.sum"],
    "dram_percent": ["gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed", "dram__throughput.avg.pct_of_peak_sustained_elapsed"],
    "l2_percent": ["lts__throughput.avg.pct_of_peak_sustained_elapsed", "lts__t_sectors.avg.pct_of_peak_sustained_elapsed"],
    "l1_percent": ["l1tex__throughput.avg.pct_of_peak_sustained_active"],
    "sm_percent": ["sm__throughput.avg.pct_of_peak_sustained_elapsed"],
    "occupancy_percent": ["sm__warps_active.avg.pct_of_peak_sustained_active"],
    "l2_hit_percent": ["lts__t_sector_hit_rate.pct"],
}
TENSOR = "pipe_tensor"
STALL = "smsp__average_warps_issue_stalled_"
UNITS = {"dram_percent": "DRAM", "tensor_percent": "tensor pipe", "l2_percent": "L2", "l1_percent": "L1", "sm_percent": "SM"}


def parse_csv(text):
    """The kernels of ncu's raw page: (counters, units) by name."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith('"ID"')), None)
    if start is None:
        raise RuntimeError(next((line for line in lines if "ERROR" in line), "ncu printed no table"))
    rows = list(csv.DictReader(lines[start:]))
    return [(row, rows[0]) for row in rows[1:]]


def as_number(text):
    try:
        return float(text.replace(",", ""))
    except (AttributeError, ValueError):
        return None


def in_microseconds(value, unit):
    return value * {"ns": 1e-3, "nsecond": 1e-3, "us": 1, "usecond": 1, "ms": 1e3, "msecond": 1e3, "s": 1e6, "second": 1e6}[unit]


def counters_of(row, units):
    found = {"kernel": row["Kernel Name"]}
    for name, candidates in COUNTERS.items():
        counter = next((c for c in candidates if as_number(row.get(c)) is not None), None)
        if counter:
            value = as_number(row[counter])
            found[name] = in_microseconds(value, units[counter]) if name == "duration_us" else value
    tensor = [as_number(row[c]) for c in row if TENSOR in c and "pct_of_peak_sustained" in c]
    if any(value is not None for value in tensor):
        found["tensor_percent"] = max(value for value in tensor if value is not None)
    stalls = {
        c[len(STALL):].split("_per_")[0]: as_number(row[c])
        for c in row
        if c.startswith(STALL) and c.endswith("_per_issue_active.ratio") and as_number(row[c]) is not None
    }
    stalls.pop("selected", None)
    if stalls:
        found["top_stall"], found["top_stall_warps"] = max(stalls.items(), key=lambda item: item[1])
    return found


def sentence(kernel):
    """What the counters say: the busiest unit if one is near its peak, else what the warps wait for."""
    shares = {UNITS[name]: kernel[name] for name in UNITS if name in kernel}
    unit, share = max(shares.items(), key=lambda item: item[1])
    if share >= BUSY:
        return f"{unit} {share:.0f} %"
    if kernel.get("top_stall") == "not_selected":  # warps are ready: there is no room to issue them
        return f"instruction issue (SM {kernel['sm_percent']:.0f} %)"
    return f"latency: {kernel.get('top_stall', 'unknown')} (most used: {unit} {share:.0f} %)"


def limiter_of(kernels):
    longest = max(kernels, key=lambda kernel: kernel.get("duration_us", 0))
    share = longest["duration_us"] / sum(kernel["duration_us"] for kernel in kernels)
    text = sentence(longest) + ("" if len(kernels) == 1 else f"; {share * 100:.0f} % of {len(kernels)} kernels' time")
    return {"text": text, "kernels": kernels}


def name_of(row):
    return f"{row['op']} / {row['shape']} / {row['pass']}"


def watch(program, rows, seconds):
    """Kernels by index of the row: the program launches a marker before each, whose grid is the line's number."""
    with tempfile.NamedTemporaryFile("w", suffix=".rows", encoding="utf-8") as file:
        file.writelines(f"{name_of(row)}\t{row['config']}\n" for row in rows)
        file.flush()
        command = [shutil.which("ncu") or "/usr/local/cuda/bin/ncu", "--clock-control", "none", "--profile-from-start", "off"]
        command += [word for section in SECTIONS for word in ("--section", section)]
        command += ["--csv", "--page", "raw", program, "--watch", file.name, "--seconds", str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stderr, end="", flush=True)
    found, line = {}, None
    for row, units in parse_csv(done.stdout):
        if "line_marker" in row["Kernel Name"]:
            line = int(re.match(r"\(?(\d+)", row["Grid Size"]).group(1)) - 1
        else:
            found.setdefault(line, []).append(counters_of(row, units))
    return found


def write(path, report):
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".tmp", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--missing", action="store_true", help="only rows without a limiter")
    parser.add_argument("--seconds", type=float, default=1e9, help="rows that would start later are left out")
    parser.add_argument("--program", default="build/gpu-tests/tests/benchmarks/kernel_benchmarks")
    options = parser.parse_args()
    with open(options.report, encoding="utf-8") as file:
        report = json.load(file)
    rows = [
        row
        for row in report["rows"]
        if "error" not in row
        and not (options.missing and "limiter" in row)
        and (not options.only or any(text in name_of(row) for text in options.only))
    ]
    end = time.monotonic() + options.seconds
    for start in range(0, len(rows), ROWS_A_RUN):
        left = end - time.monotonic()
        if left <= 0:
            break
        some = rows[start : start + ROWS_A_RUN]
        for line, kernels in watch(options.program, some, left).items():
            some[line]["limiter"] = limiter_of(kernels)
            print(f"{name_of(some[line])}: {some[line]['limiter']['text']}", flush=True)
        write(options.report, report)
    print(f"{sum('limiter' in row for row in rows)} of {len(rows)} rows have a limiter")


if __name__ == "__main__":
    main()
