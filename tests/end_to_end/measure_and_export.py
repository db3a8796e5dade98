"""The buttons that measure for a view: ceilings, a grid of runs, and the heuristic that is fitted from it."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from window import Window, ask, check, run
from workload import DEVICE, READY


def ceilings_of(w, device):
    kept = Path(w.environment["MOESCOPE_CACHE_DIR"]) / "ceilings.json"
    devices = json.loads(kept.read_text())["devices"] if kept.exists() else {}
    return next((kept for name, kept in devices.items() if device in name), {})


def measure_ceilings(w, device):
    before = ceilings_of(w, device).get("bytes_measured_ns", 0)
    w.click(w.item("Measure ceilings", "first"))
    w.wait(lambda f: ceilings_of(w, device).get("bytes_measured_ns", 0) > before and f.says(READY), "measured ceilings", 40)
    w.settle()
    check(ceilings_of(w, device)["flops_measured"], "the matrix ceiling was not measured")
    rate = ceilings_of(w, device)["bytes_per_second"]
    words = w.frame().all_words()
    shown = (f"{rate / 1e9:.3g} GB/s", f"{rate / 1e9:.1f} GB/s", f"{rate / 1e12:.2f} TB/s")
    check(any(text in words for text in shown), f"the roofline does not show {rate:.4g} B/s")
    w.shot("ceilings")


def grid_is_done(w):
    for session in w.kept_sessions():
        try:
            states = [state for state, in ask(session, "SELECT state FROM runs")]
        except Exception:  # not written yet
            continue
        if len(states) > 3 and "running" not in states and w.frame().says(READY):
            return session


def measure_grid(w):
    w.show("Crossover")
    w.click(w.item("Measure a grid", "first"))
    session = w.wait(lambda f: grid_is_done(w), "a grid of runs", 80)
    w.settle()
    check(not ask(session, "SELECT id FROM failures"), "a run of the grid failed")
    w.wait_words("hatched: not decided")
    w.shot("grid")


def export_heuristic(w):
    w.click(w.item("Export heuristic", "first"))
    said = w.wait(lambda f: [t for t in f.texts if ".heuristic.json written" in t.name], "the heuristic's file")[0].name
    document = json.loads((w.home / said.split(" written")[0]).read_text())
    check(document["cells"], "the heuristic has no cells")
    w.shot("heuristic")


def flow():
    with tempfile.TemporaryDirectory() as folder:
        # A session of this machine's device, so that what it ran is what is chosen in the window.
        session = Path(folder) / "own.moescope"
        subprocess.run([os.environ["MOESCOPE"], "run", "--device", DEVICE, "--experts", "8", "--hidden", "128",
                        "--intermediate", "128", "--top-k", "2", "--tokens", "16", "--rank", "8", "--ops", "gate_up", "--variants", "fused,split", "--max-seconds", "0.05", "--out", str(session)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        with Window("measure-and-export", [session, "--view", "roofline"]) as w:
            w.wait_words(READY, 40)
            measure_ceilings(w, ask(session, "SELECT device_name FROM run_list")[0][0])
            measure_grid(w)
            export_heuristic(w)


run(flow)
