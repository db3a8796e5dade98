#!/usr/bin/env python3
"""One report of several runs on the same device and driver: merge.py OLD.json NEW.json >ALL.json

A row of the newer run replaces the older one's; a row that the newer one has not measured stays, with
its own date, floor and clocks. What stands at the head is the newer run's. A row's limiter, and what its
race tried, stay where its configuration is still the same.
"""

import json
import sys


def name(row):
    return row["op"], row["shape"], row["pass"]


def load(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for row in report["rows"]:
        if "error" not in row:
            row.setdefault("date", report["date"])
    return report


def merged(old, new):
    if old is None or ("error" in old) or name(old) != name(new):
        return new
    if "error" in new:
        return old
    if old["config"] == new["config"]:
        for found_elsewhere in ("limiter", "tried"):
            if found_elsewhere in old:
                new.setdefault(found_elsewhere, old[found_elsewhere])
    return new


def main():
    old, new = load(sys.argv[1]), load(sys.argv[2])
    for key in ("name", "driver", "cuda"):
        if old["device"][key] != new["device"][key]:
            sys.exit(f"{key} differs: {old['device'][key]} and {new['device'][key]}")
    rows = {name(row): row for row in old["rows"]}
    for row in new["rows"]:
        rows[name(row)] = merged(rows.get(name(row)), row)
    new["rows"] = list(rows.values())
    json.dump(new, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
