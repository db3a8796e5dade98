"""The window opens, a model is chosen and made small, runs on a device; the result is on screen and in the file."""

import re

from window import Window, check, run
from workload import choose_device, choose_model, measured, READY, run_now, set_tokens, tick_only


def flow():
    with Window("open-and-run") as w:
        w.wait_words(READY, 40)
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
        check(w.leave() == 0, "the window did not end well")


run(flow)
