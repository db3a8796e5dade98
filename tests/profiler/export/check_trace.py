#!/usr/bin/env python3
"""Checks a Chrome trace (.json or .json.gz) by the rules its readers have, apart from the exporter.

    check_trace.py TRACE...     exit 0: every rule holds; 1: broken rules, one line each; 2: usage

Rules: strict JSON (no NaN, no key twice); every phase's required fields; slices of one row nest, and
kernels of one row lie apart; processes and rows with slices are named; each flow has one start in a
host call and one end in what that call launched; counters are finite and at most one point a time;
and what Holistic Trace Analysis needs: "rank": 0 with a space, no stream on host rows, a stream
above 0 on device rows, correlations that join one launch to at most one call, counters as the args
of cuda_profiler_range slices, numbers all of them, over kernels that ran.
"""

import collections
import gzip
import json
import re
import sys
from decimal import Decimal

DEVICE = {"kernel", "gpu_memcpy", "gpu_memset"}
HOST = {"cuda_runtime", "cuda_driver", "cpu_op"}
COUNTERS = "cuda_profiler_range"
OTHER = {"gpu_user_annotation", "overhead", COUNTERS}
METADATA = {
    "process_name": ("name", str),
    "thread_name": ("name", str),
    "process_sort_index": ("sort_index", int),
    "thread_sort_index": ("sort_index", int),
}
KERNEL_ARGS = ("External id", "queued", "device", "context", "stream", "correlation",
               "registers per thread", "shared memory", "grid", "block")


class Findings:
    """The broken rules, the first few of each kind in words."""

    SHOWN = 5

    def __init__(self):
        self.of_rule = collections.defaultdict(list)

    def expect(self, holds, rule, what=""):
        if not holds:
            self.of_rule[rule].append(str(what)[:200])
        return bool(holds)

    def lines(self):
        for rule, cases in self.of_rule.items():
            for case in cases[: self.SHOWN]:
                yield f"{rule}: {case}"
            if len(cases) > self.SHOWN:
                yield f"{rule}: and {len(cases) - self.SHOWN} more"


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value):
    return is_integer(value) or (isinstance(value, Decimal) and value.is_finite())


def row_of(event):
    return event["pid"], event["tid"]


def end_of(slice_):
    return slice_["ts"] + slice_["dur"]


def parse(text):
    """Strict JSON; fractions as decimals, since doubles may round nanoseconds away."""

    def object_of(pairs):
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise ValueError(f"a key twice in {str(pairs)[:120]}")
        return keys

    def not_json(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=not_json,
                      object_pairs_hook=object_of)


def check_head(text, trace, found):
    found.expect(trace.get("schemaVersion") == 1, "schemaVersion is 1")
    found.expect(trace.get("displayTimeUnit") in ("ms", "ns"), "displayTimeUnit is ms or ns")
    found.expect(is_integer(trace.get("baseTimeNanoseconds")), "baseTimeNanoseconds is an integer")
    found.expect(isinstance(trace.get("deviceProperties"), list), "deviceProperties is a list")
    found.expect(re.search(r'"rank":\s+(\d+)', text), 'the text holds "rank": 0 with a space')


def check_fields(event, found):
    """Does the event have what its phase needs? Later checks rely on it."""
    phase = event.get("ph")
    positioned = is_integer(event.get("pid")) and is_integer(event.get("tid"))
    good = found.expect(phase in ("X", "M", "C", "s", "f"), "a known phase", event)
    good &= found.expect(positioned, "integer pid and tid", event)
    good &= found.expect(isinstance(event.get("name"), str) and event["name"], "a name", event)
    good &= found.expect(is_number(event.get("ts")) and event["ts"] >= 0, "ts from 0", event)
    if phase in ("X", "M", "C"):
        good &= found.expect(isinstance(event.get("args"), dict), "args", event)
    if phase == "X":
        good &= found.expect(is_number(event.get("dur")) and event["dur"] >= 0, "dur from 0", event)
        good &= found.expect(event.get("cat") in DEVICE | HOST | OTHER, "a known category", event)
    if phase in ("s", "f"):
        good &= found.expect("id" in event and event.get("cat") == "ac2g", "id and cat ac2g", event)
        if phase == "f":
            found.expect(event.get("bp") == "e", "f binds to the enclosing slice", event)
    return good


def check_metadata(events, slices, found):
    named = collections.defaultdict(set)
    for event in events:
        key, kind = METADATA.get(event["name"], (None, None))
        if found.expect(key, "known metadata", event):
            found.expect(isinstance(event["args"].get(key), kind), f"metadata has {key}", event)
        row = row_of(event) if event["name"].startswith("thread") else event["pid"]
        found.expect(row not in named[event["name"]], "metadata once a row", event)
        named[event["name"]].add(row)
    for row in {row_of(each) for each in slices}:
        found.expect(row in named["thread_name"], "rows with slices are named", row)
        found.expect(row[0] in named["process_name"], "processes with slices are named", row)


def check_nesting(slices, found):
    rows = collections.defaultdict(list)
    for each in slices:
        rows[row_of(each)].append(each)
    for row, members in rows.items():
        members.sort(key=lambda each: (each["ts"], -each["dur"]))
        still_open = []
        for each in members:
            while still_open and end_of(still_open[-1]) <= each["ts"]:
                still_open.pop()
            if still_open:
                outer = still_open[-1]
                found.expect(end_of(each) <= end_of(outer), "slices of a row nest", (row, each))
                both = each["cat"] in DEVICE and outer["cat"] in DEVICE
                found.expect(not both, "kernels of a row lie apart", (row, each))
            still_open.append(each)


def check_slices(slices, found):
    for each in slices:
        args = each["args"]
        if each["cat"] in DEVICE:
            stream = args.get("stream")
            found.expect(is_integer(stream) and stream > 0, "device rows have a stream", each)
            found.expect(is_integer(args.get("correlation")), "device rows correlate", each)
            found.expect(args.get("device") == each["pid"], "device is the pid", each)
        else:
            found.expect("stream" not in args, "other rows have no stream", each)
        if each["cat"] == "kernel":
            missing = [key for key in KERNEL_ARGS if key not in args]
            found.expect(not missing, "kernel args as Kineto's", missing)
            for key in ("grid", "block"):
                sizes = args.get(key)
                three = isinstance(sizes, list) and len(sizes) == 3 and all(map(is_integer, sizes))
                found.expect(three, "grid and block are three integers", each)


def by_correlation(slices, categories, rule, found):
    known = {}
    for each in slices:
        correlation = each["args"].get("correlation", 0)
        if each["cat"] in categories and correlation != 0:
            found.expect(correlation not in known, rule, each)
            known[correlation] = each
    return known


def check_flows(events, slices, found):
    calls = by_correlation(slices, HOST, "a correlation is one call's", found)
    launches = by_correlation(slices, DEVICE, "a correlation is one launch's", found)
    ends = {"s": {}, "f": {}}
    for event in events:
        found.expect(event["id"] not in ends[event["ph"]], "one start and end a flow", event)
        ends[event["ph"]][event["id"]] = event
    found.expect(ends["s"].keys() == ends["f"].keys(), "flows have both ends",
                 sorted(ends["s"].keys() ^ ends["f"].keys()))
    for phase, sliced in (("s", calls), ("f", launches)):
        for flow, event in ends[phase].items():
            slice_ = sliced.get(flow)
            if found.expect(slice_, "a flow's id is a correlation", event):
                inside = slice_["ts"] <= event["ts"] <= end_of(slice_)
                found.expect(inside and row_of(slice_) == row_of(event),
                             "a flow's ends lie in their slices", event)
    joined = calls.keys() & launches.keys()
    found.expect(joined == ends["s"].keys(), "every launch with a known call has its arrow",
                 sorted(joined ^ ends["s"].keys()))
    for flow in joined:
        # The device's clock is fitted to the host's: half a microsecond is within the fit.
        early = calls[flow]["ts"] - launches[flow]["ts"]
        found.expect(early <= Decimal("0.5"), "nothing starts before its call", launches[flow])


def check_counter_ranges(slices, found):
    kernels = collections.defaultdict(list)
    for each in slices:
        if each["cat"] == "kernel":
            kernels[each["pid"]].append(each)
    for each in slices:
        if each["cat"] != COUNTERS:
            continue
        counters = each["args"]
        numbers = counters and all(map(is_number, counters.values()))
        found.expect(numbers, "a counter range holds numbers alone", each)
        inside = [kernel for kernel in kernels[each["pid"]]
                  if each["ts"] <= kernel["ts"] and end_of(kernel) <= end_of(each)]
        found.expect(inside, "a counter range lies over kernels", each)
        same = [kernel for kernel in inside if kernel["args"].items() >= counters.items()]
        alone = len(inside) == 1 and each["name"] == inside[0]["name"]
        found.expect(same or not alone, "a kernel that was counted alone has its counters", each)


def check_counters(events, found):
    last = {}
    for event in events:
        series = event["args"]
        found.expect(series and all(map(is_number, series.values())), "counters are numbers", event)
        track = (event["pid"], event["name"])
        found.expect(event["ts"] >= last.get(track, 0), "counters go forwards", event)
        if event.get("cat") == "sampled":
            found.expect(event["ts"] != last.get(track), "a sampled counter has one point a time",
                         event)
            found.expect(len(series) == 1 and "" not in series, "a sampled counter has its unit",
                         event)
        last[track] = event["ts"]


def check(text):
    """The broken rules of a trace, and how many events of each phase it has."""
    found = Findings()
    try:
        trace = parse(text)
    except ValueError as error:
        found.expect(False, "strict JSON", error)
        return found, {}
    if not found.expect(isinstance(trace, dict) and isinstance(trace.get("traceEvents"), list),
                        "an object with traceEvents"):
        return found, {}
    check_head(text, trace, found)
    phases = collections.defaultdict(list)
    for event in trace["traceEvents"]:
        if found.expect(isinstance(event, dict), "events are objects", event):
            if check_fields(event, found):
                phases[event["ph"]].append(event)
    check_metadata(phases["M"], phases["X"], found)
    check_nesting(phases["X"], found)
    check_slices(phases["X"], found)
    check_flows(phases["s"] + phases["f"], phases["X"], found)
    check_counter_ranges(phases["X"], found)
    check_counters(phases["C"], found)
    return found, {phase: len(events) for phase, events in phases.items()}


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return file.read()


def main(paths):
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    broken = False
    for path in paths:
        found, counts = check(read(path))
        for line in found.lines():
            print(f"{path}: {line}")
        broken |= bool(found.of_rule)
        print(f"{path}: {'broken' if found.of_rule else 'sound'}, events: {counts}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
