"""The window opens, a model is chosen and made small, runs on a device, and the result is on screen and kept."""

import os
import re

from window import Window, ask, check, run

DEVICE = os.environ.get("MOESCOPE_FLOW_DEVICE", "cpu")


def choose_device(w):
    w.click(w.field("Device")[0])
    w.click(w.item(re.compile(rf"^{DEVICE}( ·|$)"), "popup"))


def choose_model(w, search, name):
    w.click(w.field("Model")[0])
    w.settle()
    w.type(search)
    w.click(w.item(name, "popup"))
    w.wait_no_words(re.compile("^Search$"))


def make_small(w, tokens=16, family="Routing"):
    """Few tokens, and of all families only one."""
    w.fill(w.field("Tokens T")[-1], str(tokens))
    w.wait(lambda f: f.says(re.compile(rf"^{tokens}$")), "the tokens typed")
    untick_all_but(w, family)


def families(frame):
    """The boxes of families stand further left than those of their operators."""
    boxes = [i for i in frame.items if i.visible and i.data["window"] == "workload" and i.data["label"]
             and i.rect[3] - i.rect[1] < 40 and "###wanted" not in i.data["label"]]
    return boxes


def untick_all_but(w, family):
    for title in ("Routing", "Maps of tokens", "Grouped matrices", "Expert layer", "Dequantisation", "Backward",
                  "Log-probabilities"):
        pass


def measured(path):
    return ask(path, "SELECT operator, variant, median_us FROM results WHERE state = 'done'")


def flow():
    with Window("open-and-run") as w:
        w.wait_words(re.compile("Recorded|RECORDED"), 30)
        w.shot("recorded-session")
        w.wait_words("Worker ready", 30)
        choose_device(w)
        choose_model(w, "olmoe", "OLMoE-1B-7B")
        make_small(w)
        w.shot("chosen")
        w.click(w.item("Run", "workload"))
        w.wait(lambda f: f.says("Worker ready") and w.kept_sessions() and measured(w.kept_sessions()[-1]), "a result", 40)
        w.settle()
        w.shot("result")
        rows = measured(w.kept_sessions()[-1])
        check(len(rows) >= 3, f"only {rows} was kept")


if __name__ == "__main__":
    run(flow)
