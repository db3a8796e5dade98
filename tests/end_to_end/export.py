"""A session is exported from the window as a trace, a report and tables; each is read back."""

import csv
import gzip
import json

from window import Window, ask, assets, check, run


def export(w, kind, name, wanted):
    w.click(w.item(kind, "first"))
    path = w.home / name
    w.fill(w.field("To", "first")[0], name)  # beside where the window was started
    w.wait_words(f"Exported to {name}.")
    check(path.exists(), f"{name} is not there")
    wanted(path)
    w.shot(kind.lower().replace(" ", "-"))


def flow():
    session = assets() / "sessions/OLMoE-1B-7B.moescope"
    kernels, = ask(session, "SELECT count(*) FROM kernels")[0]
    measurements, = ask(session, "SELECT count(*) FROM measurements")[0]

    def trace(path):
        with gzip.open(path, "rt") as file:
            events = json.load(file)["traceEvents"]
        check(sum(e.get("cat") == "kernel" for e in events) == kernels, "the trace has other kernels than the session")

    def report(path):
        page = path.read_text()
        check("</html>" in page and "<svg" in page and "OLMoE-1B-7B" in page and "What ran when" in page, "the report is no whole page")

    def tables(path):
        with open(path / "measurements.csv", newline="") as file:
            check(len(list(csv.DictReader(file))) == measurements, "measurements.csv has other rows than the session")

    with Window("export", [session, "--view", "session"]) as w:
        export(w, "Chrome trace", "trace.json.gz", trace)
        export(w, "Report", "report.html", report)
        export(w, "CSV", "tables", tables)


run(flow)
