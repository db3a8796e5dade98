#!/usr/bin/env python3
"""Reads what ranks_on_gpus.sh left in a folder, checks it and makes a table of it.

    ranks_table.py FOLDER RANKS

Of each launch: it ended well; every rank is in the merged session, with every step measured; what the ranks made
together is one device's layer, bit for bit; the NCCL kernels belong to the repetitions that launched them and, with the
other kernels of a step, account for the time between its CUDA events; in every exchange the ranks' kernels overlap on
the merged clock (no rank's ends before another's has begun); one Chrome trace holds all ranks.

Writes FOLDER/ranks.md and FOLDER/ranks.json; exit status 1 where a check failed."""
import collections
import gzip
import json
import pathlib
import re
import sqlite3
import statistics
import sys

STEPS = ["ep_dispatch", "ep_experts", "ep_combine", "ep_layer"]
EXCHANGES = ["ep_dispatch", "ep_combine"]
# Of the time between a repetition's events, its kernels fill at least this: the host's launches are the rest, which
# weigh more where a repetition is short. A step whose counts go first waits for the host in between.
LEAST_SHARE, LEAST_SHARE_SHORT = 0.9, 0.7
SHORT_NS = 200e3
MOST_SHARE = 1.05
LEAST_OVERLAPPING = 0.95  # of the repetitions


class Launch:
    def __init__(self, folder, ranks, name, launcher, model, tokens, status, seconds):
        self.folder, self.ranks, self.name, self.launcher = folder, ranks, name, launcher
        self.model, self.tokens, self.status, self.seconds = model, int(tokens), int(status), int(seconds)
        self.checks, self.skipped, self.figures = {}, [], {}

    def check(self, what, good, detail):
        self.checks[what] = {"ok": bool(good), "detail": detail}

    def run(self):
        self.check("exit status", self.status == 0, str(self.status))
        self.read_progress()
        session = self.folder / f"{self.name}.moescope"
        if not session.exists():
            return self.check("session", False, "none was written")
        self.db = sqlite3.connect(f"file:{session}?mode=ro", uri=True)
        self.read()
        self.check_presence()
        self.check_results()
        if any(m["timer"] == "host_clock" for m in self.measurements.values()):
            self.skipped = ["NCCL kernels", "share of the events' time", "clocks"]
        else:
            self.check_kernels()
            self.check_clocks()
        self.check_trace()
        self.take_steps()

    def read_progress(self):
        """What rank 0 said it was doing, and when."""
        said = [path.read_text() for path in self.folder.glob(f"{self.name}.rank*.txt")]
        lines = sorted((float(at), doing) for text in said for at, doing in
                       re.findall(r"^rank 0, +([0-9.]+) s: (.*)$", text, re.MULTILINE))
        if lines:
            self.figures["progress"] = lines
            self.figures["compiling_s"] = sum(after[0] - line[0] for line, after in zip(lines, lines[1:])
                                              if "compiling" in line[1])

    def read(self):
        self.rank_of_run = {}
        for run, plan in self.db.execute("SELECT id, plan FROM runs"):
            self.rank_of_run[run] = json.loads(plan)["ranks"]["rank"]
        columns = ["id", "run", "operator", "variant", "state", "timer", "sample_count", "median_ns", "event_median_ns",
                   "relative_error", "reference"]
        self.measurements = {row[0]: dict(zip(columns, row)) for row in self.db.execute(
            f"SELECT {', '.join(columns)} FROM measurements")}
        self.kernels = collections.defaultdict(list)  # by measurement and repetition
        for measurement, repetition, name, start, end in self.db.execute(
                "SELECT k.measurement, k.repetition, n.text, k.start_ns, k.end_ns FROM kernels k JOIN names n "
                "ON n.id = k.name WHERE k.measurement IS NOT NULL AND k.repetition >= 0"):
            self.kernels[measurement, repetition].append((name, start, end))
        self.events = dict(((m, r), ns) for m, r, ns in self.db.execute(
            "SELECT measurement, repetition, duration_ns FROM samples WHERE clock = 'events'"))

    def rank(self, measurement):
        return self.rank_of_run[measurement["run"]]

    def check_presence(self):
        found = collections.Counter((self.rank(m), m["operator"]) for m in self.measurements.values() if m["state"] == "done")
        missing = [f"rank {rank}: {step}" for rank in range(self.ranks) for step in STEPS if found[rank, step] == 0]
        self.check("every rank", not missing, "; ".join(missing) or f"{self.ranks} ranks, {len(self.measurements)} measurements")

    def check_results(self):
        wrong, compared = [], 0
        for m in self.measurements.values():
            if m["operator"] in ("ep_combine", "ep_layer"):
                compared += m["reference"] == "one device's layer"
                if m["relative_error"] != 0:
                    wrong.append(f"rank {self.rank(m)} {m['operator']}/{m['variant']}: {m['relative_error']}")
        self.check("equals one device", not wrong and compared >= 2 * self.ranks, "; ".join(wrong) or f"{compared} results equal")

    def exchanging(self):
        """Measurements in which rows travel."""
        return [m for m in self.measurements.values() if m["operator"] in EXCHANGES + ["ep_layer"] and m["state"] == "done"]

    def check_kernels(self):
        without, badly, shares = [], [], {}
        for m in self.exchanging():
            label = f"rank {self.rank(m)} {m['operator']}/{m['variant']}"
            repetitions = [r for (which, r) in self.events if which == m["id"]]
            seen = [r for r in repetitions if any(name.startswith("nccl") for name, _, _ in self.kernels[m["id"], r])]
            if len(seen) < max(1, LEAST_OVERLAPPING * len(repetitions)) or m["timer"] != "cupti":
                without.append(f"{label}: {len(seen)} of {len(repetitions)} repetitions, timed by {m['timer']}")
                continue
            share = statistics.median(sum(end - start for _, start, end in self.kernels[m["id"], r]) / self.events[m["id"], r]
                                      for r in seen)
            shares[label] = share
            least = LEAST_SHARE_SHORT if m["event_median_ns"] < SHORT_NS else LEAST_SHARE
            if share > MOST_SHARE or (share < least and m["variant"] != "counts_first"):
                badly.append(f"{label}: {share:.2f} of {m['event_median_ns'] / 1e3:.0f} us")
        self.check("NCCL kernels", not without, "; ".join(without) or f"in every one of {len(shares)} measurements")
        self.check("share of the events' time", not badly and shares, "; ".join(badly) or
                   f"{min(shares.values(), default=0):.2f} to {max(shares.values(), default=0):.2f}")
        self.figures["kernel_share"] = shares

    def exchange(self, measurement, repetition):
        """The longest NCCL kernel: that of the rows, where counts went before."""
        spans = [(end - start, start, end) for name, start, end in self.kernels[measurement["id"], repetition]
                 if name.startswith("nccl")]
        return max(spans)[1:] if spans else None

    def check_clocks(self):
        apart, ends, total = 0, [], 0
        for step in EXCHANGES:
            by_rank = {self.rank(m): m for m in self.measurements.values()
                       if m["operator"] == step and m["variant"] != "counts_first" and m["state"] == "done"}
            if len(by_rank) < self.ranks:
                continue
            for repetition in {r for (which, r) in self.kernels if which == by_rank[0]["id"]}:
                spans = [self.exchange(m, repetition) for m in by_rank.values()]
                if None in spans:
                    continue
                total += 1
                apart += max(start for start, _ in spans) >= min(end for _, end in spans)
                ends.append(max(end for _, end in spans) - min(end for _, end in spans))
        self.check("clocks", total > 0 and apart <= (1 - LEAST_OVERLAPPING) * total,
                   f"the ranks' kernels overlap in {total - apart} of {total} exchanges")
        if ends:
            self.figures["ends_apart_ns"] = statistics.median(ends)

    def check_trace(self):
        trace = self.folder / f"{self.name}.trace.json.gz"
        if not trace.exists():
            return self.check("one trace", False, "none was written")
        with gzip.open(trace, "rt") as file:
            events = json.load(file)["traceEvents"]
        busy = {e["pid"] for e in events if e.get("ph") == "X"}
        found = {e["args"]["name"].split(":")[0] for e in events if e.get("name") == "process_name" and e["pid"] in busy}
        missing = [f"rank {r}" for r in range(self.ranks) if f"rank {r}" not in found]
        self.check("one trace", not missing, "; ".join(f"{m} is missing" for m in missing) or f"{len(events)} events")

    def take_steps(self):
        try:
            document = json.loads((self.folder / f"{self.name}.json").read_text())
        except ValueError:
            return self.check("JSON", False, "rank 0 printed no document")
        self.figures["steps"] = document["steps"]
        devices = [json.loads(text) for (text,) in self.db.execute("SELECT device FROM runs")]
        self.figures["devices"] = [f"{d['name']}, driver {d['driver']}" for d in devices]
        self.figures["transport"] = next((c["reason"] for c in devices[0]["capabilities"]
                                          if c["collector"] == "rank transport"), "")
        self.figures["clock_uncertainty_ns"] = max(d.get("clock_uncertainty_ns", 0) for d in devices)

    def step(self, operator, variant):
        return next((s for s in self.figures.get("steps", []) if s["operator"] == operator and s["variant"] == variant), None)

    def alone_ns(self):
        try:
            document = json.loads((self.folder / f"{self.model}-{self.tokens}-alone.json").read_text())
            return document["measurements"][0]["median_ns"]
        except (OSError, ValueError, LookupError):
            return None

    def failed(self):
        return [f"{what}: {found['detail']}" for what, found in self.checks.items() if not found["ok"]]

    def row(self):
        def milliseconds(ns):
            return f"{ns / 1e6:.3f}" if ns else "–"

        dispatch, combine = self.step("ep_dispatch", "known_counts"), self.step("ep_combine", "base")
        experts, layer = self.step("ep_experts", "base"), self.step("ep_layer", "known_counts")
        shares = [share for label, share in self.figures.get("kernel_share", {}).items() if "counts_first" not in label]
        compiling = f"{self.figures['compiling_s']:.1f}" if "compiling_s" in self.figures else "–"
        return [self.model, str(self.tokens), self.launcher, str(self.seconds), compiling] + \
               [milliseconds(step and step["slowest_ns"]) for step in (dispatch, experts, combine, layer)] + \
               [milliseconds(self.alone_ns()),
                *(f"{step['bus_bytes_per_second'] / 1e9:.0f}" if step else "–" for step in (dispatch, combine)),
                f"{min(shares):.2f}" if shares else "–",
                f"{self.figures['ends_apart_ns'] / 1e3:.1f}" if "ends_apart_ns" in self.figures else "–",
                f"{self.figures['clock_uncertainty_ns'] / 1e3:.1f}" if "clock_uncertainty_ns" in self.figures else "–",
                "failed: " + ", ".join(what for what, found in self.checks.items() if not found["ok"])
                if self.failed() else "all pass"]


def main(folder, ranks):
    launches = [Launch(folder, ranks, *line.split("\t")) for line in (folder / "launches.tsv").read_text().splitlines()]
    for launch in launches:
        launch.run()
    known = next((launch.figures for launch in launches if "devices" in launch.figures), {"devices": [""], "transport": ""})
    head = ["model", "tokens", "launcher", "launch s", "compiling s", "dispatch ms", "experts ms", "combine ms", "layer ms",
            "one device ms", "dispatch GB/s", "combine GB/s", "kernels' share", "ends apart us", "clocks within us", "checks"]
    lines = [f"# Expert-parallel over {ranks} ranks", "",
             f"{ranks} × {known['devices'][0]}; {known['transport']}. Times: the slowest rank's median; GB/s: the busiest "
             "link's. Kernels' share: of the time between a repetition's events, the least of all ranks and steps.", "",
             "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(launch.row()) + " |" for launch in launches]
    for launch in launches:
        lines += [""] * bool(launch.failed()) + [f"- {launch.name}: {reason}" for reason in launch.failed()]
    skipped = sorted({what for launch in launches for what in launch.skipped})
    if skipped:
        lines += ["", f"Not checked, timed by the host's clock: {', '.join(skipped)}."]
    (folder / "ranks.md").write_text("\n".join(lines) + "\n")
    (folder / "ranks.json").write_text(json.dumps(
        [{"name": launch.name, "launcher": launch.launcher, "model": launch.model, "tokens": launch.tokens,
          "ranks": ranks, "seconds": launch.seconds, "one_device_ns": launch.alone_ns(), "checks": launch.checks,
          "not_checked": launch.skipped, **launch.figures} for launch in launches], indent=1) + "\n")
    print("\n".join(lines))
    return int(any(launch.failed() for launch in launches))


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
