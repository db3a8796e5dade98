"""Tiles: the recorded landscape is read, a candidate is chosen; on a GPU an operator is tuned live.

On the CPU, whose references have no tiles, every Tune button of the workload is refused.
"""

import re

from window import Window, ask, assets, check, run
from workload import DEVICE, choose_device, choose_model, over_fields, set_tokens


def recorded(w):
    w.wait_words(re.compile("Gate and up|gate_up"))
    w.shot("landscape")
    session = assets() / "sessions/OLMoE-1B-7B.moescope"
    best = [row[0] for row in ask(session, "SELECT tile FROM tuning WHERE operator = 'gate_up' AND fate = 'best'")]
    check(best, "the session has no best tile")
    w.wait(lambda f: any(tile in f.all_words() for tile in best), f"one of the best tiles {best}")


def live(w):
    tune = w.reveal(lambda f: f.find("Tune", "workload"), over_fields(w), "a Tune button")
    if DEVICE == "cpu":
        check(all(i.data["disabled"] for i in tune), "the CPU has no tiles, yet a Tune button can be pressed")
        return
    w.click(tune[0])
    w.show("Autotune")
    w.wait(lambda f: w.kept_sessions() and ask(w.kept_sessions()[-1], "SELECT 1 FROM candidates WHERE fate = 'best'"),
           "a best tile", 50)
    w.settle()


def flow():
    with Window("tune", [assets() / "sessions/OLMoE-1B-7B.moescope", "--view", "autotune"]) as w:
        recorded(w)
        choose_device(w)
        choose_model(w, "olmoe", "OLMoE-1B-7B")
        set_tokens(w, 16 if DEVICE == "cpu" else 512)
        live(w)
        w.shot("workload")


run(flow)
