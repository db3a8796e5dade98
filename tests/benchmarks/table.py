#!/usr/bin/env python3
"""The Markdown table of a benchmark's JSON: table.py benchmarks.json >benchmarks.md

Under the table, of each row that misses its target: the variants that the row's own run has tried, and
what attempts.json beside this file says of attempts on it. There a row's name, "operator / shape / pass",
has a list of {date, tried, result, figures}; figures are measured microseconds by what they are of.
"""

import json
import os
import sys

TOKENS = 2048  # of the published grid
SKEW_SHARE = 0.8  # of even routing's efficiency that skewed routing should keep


def number(value, digits=3):
    """Three significant digits without an exponent; a dash where there is none."""
    if not value:
        return "–"
    whole = f"{value:.{digits}g}"
    return f"{float(whole):.0f}" if "e" in whole or abs(value) >= 100 else whole


def even_row(row, rows):
    """Of a skewed routing's row: the same one under even routing."""
    shape, comma, _ = row["shape"].partition(f" T={TOKENS},")
    if not comma:
        return None
    wanted = (row["op"], f"{shape} T={TOKENS}", row["pass"])
    return next((r for r in rows if (r["op"], r["shape"], r["pass"]) == wanted and "error" not in r), None)


def verdict(row, rows):
    words = []
    even = even_row(row, rows)
    if row["target_us"]:
        words.append("met" if row["median_us"] <= row["target_us"] else f"missed by {row['median_us'] / row['target_us']:.2f}x")
    elif even:
        share = even["distance"] / row["distance"]
        words.append(f"{'met' if share >= SKEW_SHARE else 'missed'}: {share * 100:.0f} % of even routing's efficiency")
    if row["peer_us"] and row["median_us"] > row["peer_us"]:
        words.append("slower than the peer")
    return "; ".join(words)


def skew_summary(rows):
    """Whether skewed routing keeps its share of even routing's efficiency, in a sentence; none without such rows."""
    pairs = [(row, even_row(row, rows)) for row in rows if "error" not in row]
    shares = [(even["distance"] / row["distance"], row) for row, even in pairs if even]
    if not shares:
        return []
    least, row = min(shares, key=lambda pair: pair[0])
    met = sum(share >= SKEW_SHARE for share, _ in shares)
    return [
        "",
        f"Skewed routing: {met} of {len(shares)} rows keep at least {SKEW_SHARE * 100:.0f} % of the even row's distance to its "
        f"own floor; the least is {least * 100:.0f} % ({row['shape']}, {row['pass']}).",
    ]


# Of NVML's nvmlClocksEventReasons, those that hold clocks back.
HELD_BACK = {0x4: "power cap", 0x8: "hardware slowdown", 0x20: "heat", 0x40: "heat", 0x80: "power brake"}


def limiter(row, rows):
    """What the counters found, and the clock where it was held well below the other rows'."""
    words = [row["limiter"]["text"]] if row.get("limiter") else []
    reasons = sorted({why for bit, why in HELD_BACK.items() if int(row.get("clock_event_reasons", 0)) & bit})
    highest = max(each.get("sm_clock_mhz", 0) for each in rows)
    if reasons and row["sm_clock_mhz"] < 0.95 * highest:
        words.append(f"SM clock {row['sm_clock_mhz']:.0f} MHz, held back by the {' and the '.join(reasons)}")
    return "; ".join(words)


def line(row, rows):
    if "error" in row:
        return f"| {row['op']} | {row['shape']} | {row['pass']} | | | | | | | | {row['error']} | |"
    spread = (row["ci_high_us"] - row["ci_low_us"]) / row["median_us"] * 100
    return (
        f"| {row['op']} | {row['shape']} | {row['pass']} | {number(row['floor_us'])} ({row['floor_by']}) "
        f"| {number(row['median_us'])} | {row['distance']:.2f} | {spread:.1f} % | {number(row['target_us'])} "
        f"| {verdict(row, rows)} | {number(row['peer_us'])} | {row['config']} | {limiter(row, rows)} |"
    )


def head(report):
    device, ceilings = report["device"], report["ceilings"]
    clocks = sorted({row["sm_clock_mhz"] for row in report["rows"] if row.get("sm_clock_mhz")})
    dates = sorted({row["date"] for row in report["rows"] if "date" in row})
    tera = lambda name: f"{ceilings[name] / 1e12:.2f}"
    oracle = ceilings["cublas_flops_per_second"]
    return [
        f"# {device['name']}, {report['date']}",
        "",
        f"Driver {device['driver']}, CUDA {device['cuda']}, {device['multiprocessors']} SMs; SM clock while the rows ran "
        + (f"{clocks[0]}–{clocks[-1]} MHz" if clocks else "not known")
        + f", memory clock {device.get('memory_clock_mhz', '?')} MHz. Written by tests/benchmarks/table.py from the JSON beside it.",
        "",
        f"Ceilings measured in the same run: read {tera('read_bytes_per_second')} TB/s, write {tera('write_bytes_per_second')} TB/s, "
        f"copy {tera('copy_bytes_per_second')} TB/s (read and written), bf16 8192³ product {ceilings['matrix_flops_per_second'] / 1e12:.0f} TFLOP/s "
        f"(ours {ceilings['own_matrix_flops_per_second'] / 1e12:.0f} with {ceilings['own_matrix_config']}, "
        + (f"cuBLAS {oracle / 1e12:.0f}" if oracle else "no cuBLAS found")
        + f"), one empty launch {ceilings['empty_launch_us']:.2f} µs.",
        "",
        "Times are CUDA events around one launch (around 20 where one takes under 50 µs), the median of 50 after 10 warm-ups, "
        "normally distributed inputs rotated past the L2. Floor: the least "
        "bytes over the read rate, the FLOPs over the matrix rate, or an empty launch, whichever is largest. x: time over floor. "
        "Spread: the median's 95 % interval. Peer: the best published time on an H200, measured elsewhere."
        + (f" Rows of {len(dates)} runs, from {dates[0]} to {dates[-1]}." if len(dates) > 1 else ""),
        "",
    ]


def load_attempts():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "attempts.json"), encoding="utf-8") as file:
        return json.load(file)


def attempt(entry):
    figures = ", ".join(f"{what} {number(us)}" for what, us in entry["figures"].items())
    return f"- {entry['date']}: {entry['tried']}: {entry['result']}" + (f" ({figures} µs)" if figures else "") + "."


def variants(row, date):
    """What the row's tuning has timed: the fastest tile of each variant, as an attempt."""
    figures = {choice["config"]: choice["us"] for choice in row.get("tried", []) if choice.get("us") and choice["variant"] != "base"}
    if len(figures) < 2:
        return []
    result = f"{min(figures, key=figures.get).split()[0]} is the fastest"
    return [{"date": row.get("date", date)[:10], "tried": "each variant with its fastest tile", "result": result, "figures": figures}]


def attempts(report):
    recorded = load_attempts()
    lines = []
    for row in report["rows"]:
        if "error" in row or "missed" not in verdict(row, report["rows"]):
            continue
        name = f"{row['op']} / {row['shape']} / {row['pass']}"
        entries = variants(row, report["date"]) + recorded.get(name, [])
        if entries:
            lines += ["", f"**{name}**", ""] + [attempt(entry) for entry in entries]
    note = "Figures compare within an attempt alone: each is of one run, between launches in a row."
    return ["", "## Attempts on rows that miss their target", "", note] + lines if lines else []


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    lines = head(report)
    lines.append("| operator | shape | pass | floor µs | time µs | x | spread | target µs | target | peer µs | config | limited by |")
    lines.append("|---|---|---|---:|---:|---:|---:|---:|---|---:|---|---|")
    lines += [line(row, report["rows"]) for row in report["rows"]]
    lines += skew_summary(report["rows"])
    lines += attempts(report)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
