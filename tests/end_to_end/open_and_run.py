"""The window opens, a model is chosen and made small, runs on a device; the result is on screen and in the file, which
the next start opens again. The CPU, which has no tiles, offers a recorded landscape instead."""

import re
import shutil
import subprocess
from pathlib import Path

from window import Window, check, run
from workload import DEVICE, choose_device, choose_model, measured, READY, run_now, set_tokens, tick_only


def check_identity(w):
    """The desktop finds its entry by the window's class; what knows no entry has the icon in sizes."""
    if not shutil.which("xprop"):
        return
    said = subprocess.run(["xprop", "-id", w.id, "WM_CLASS", "_NET_WM_ICON"], env=w.environment, capture_output=True, text=True).stdout
    entry = (Path(__file__).parents[2] / "cmake/install/moescope.desktop").read_text()
    wanted = re.search("^StartupWMClass=(.*)$", entry, re.M).group(1)
    check(f'"{wanted}"' in said, f"the window's class is not {wanted}: {said[:200]}")
    check("Icon (32 x 32)" in said and "Icon (128 x 128)" in said, f"the window has no icon: {said[:200]}")


def flow():
    with Window("open-and-run") as w:
        w.wait_words(READY, 40)
        check_identity(w)
        w.shot("opened")
        choose_device(w)
        choose_model(w, "olmoe", "OLMoE-1B-7B")
        set_tokens(w, 16)
        tick_only(w, "Routing", "Metadata")
        w.shot("chosen")
        session = run_now(w)
        w.show("Overview")
        w.shot("result")
        rows = measured(session)
        check({"softmax_topk", "router"} <= {row[0] for row in rows}, f"measured was {rows}")
        check(all(row[2] > 0 for row in rows), f"a median is nothing: {rows}")
        words = w.frame().all_words()
        check("Softmax top-k" in words and re.search(r"[µm]s", words), "the overview shows no result")
        if DEVICE == "cpu":
            w.show("Autotune")
            w.wait_words(re.compile("have no tiles"))
            w.shot("no-tiles")
            w.click(w.item("Show a recorded landscape", "first"))
            w.wait_words(re.compile("is best"))
            w.wait_words(re.compile("OLMoE-1B-7B.moescope"))
            w.shot("landscape")
        check(w.leave() == 0, "the window did not end well")
        w.map.unlink()  # of the window that has gone
        w.open((), (1440, 900))
        if DEVICE == "cpu":
            w.wait_words(re.compile(re.escape(session.name)), 40)
        w.click(w.item("File", "menu"))
        w.click(w.item("Open recent"))
        w.wait_words(re.compile(re.escape(session.name)))
        w.shot("recent")


run(flow)
