"""The buttons that measure for a view: ceilings, a grid of runs, and the heuristic that is fitted from it."""

import json

from window import Window, ask, check, run
from workload import choose_device, choose_model, run_now, set_tokens, tick_only


def ceilings_of(w):
    kept = w.home / "cache" / "ceilings.json"
    devices = json.loads(kept.read_text())["devices"] if kept.exists() else {}
    return next(iter(devices.values()), {})


def measure_ceilings(w):
    w.show("Roofline")
    before = ceilings_of(w).get("bytes_measured_ns", 0)
    w.click(w.item("Measure ceilings", "first"))
    w.wait(lambda f: ceilings_of(w).get("bytes_measured_ns", 0) > before and f.says("Worker ready"), "measured ceilings", 40)
    w.settle()
    check(ceilings_of(w)["flops_measured"], "the matrix ceiling was not measured")
    rate = ceilings_of(w)["bytes_per_second"]
    words = w.frame().all_words()
    check(f"{rate / 1e9:.3g} GB/s" in words or f"{rate / 1e9:.1f} GB/s" in words, f"the roofline does not show {rate:.4g} B/s")
    w.shot("ceilings")


def measure_grid(w, session):
    w.show("Crossover")
    before = len(ask(session, "SELECT id FROM runs"))
    w.click(w.item("Measure a grid", "first"))
    w.wait(lambda f: len(ask(session, "SELECT id FROM runs")) > before + 3 and f.says("Worker ready")
           and not ask(session, "SELECT id FROM runs WHERE state = 'running'"), "a grid of runs", 90)
    w.settle()
    check(not ask(session, "SELECT id FROM failures"), "a run of the grid failed")
    w.wait_words("fitted boundary") if w.frame().says("fitted boundary") else w.wait_words("hatched: not decided")
    w.shot("grid")


def export_heuristic(w):
    w.click(w.item("Export heuristic", "first"))
    said = w.wait(lambda f: [t for t in f.texts if ".heuristic.json written" in t.name], "the heuristic's file")[0].name
    path = w.home / said.split(" written")[0]
    document = json.loads(path.read_text())
    check(document["cells"], "the heuristic has no cells")
    w.shot("heuristic")


def flow():
    with Window("measure-and-export") as w:
        choose_device(w)
        choose_model(w, "olmoe", "OLMoE-1B-7B")
        set_tokens(w, 16)
        tick_only(w, "Grouped products")
        session = run_now(w)
        measure_ceilings(w)
        measure_grid(w, session)
        export_heuristic(w)


run(flow)
