"""The worker is killed in the middle of a run: the window says so, starts another, and loses nothing measured."""

import os
import re
import signal
from pathlib import Path

from window import Window, ask, check, descendants, run
from workload import measure_routing, measured, READY, run_now, set_tokens, start_long_run


def worker_of(w):
    """The process ids of the window's own worker."""
    found = []
    for process in descendants(w.program.pid):
        try:
            name = Path(f"/proc/{process}/comm").read_text().strip()
        except OSError:
            continue
        if name.startswith("moescope-worke"):
            found.append(process)
    return found


def flow():
    with Window("lose-worker") as w:
        session, before = measure_routing(w)
        first = worker_of(w)
        check(len(first) == 1, f"the workers are {first}")

        start_long_run(w)
        os.kill(first[0], signal.SIGKILL)
        w.wait_words(re.compile(r"^\d+ problems?$"))
        w.shot("lost")
        w.click(w.wait_words(re.compile(r"^\d+ problems?$")))
        w.wait_words(re.compile("worker", re.I))
        w.shot("problem")
        w.key("Escape")

        stop = lambda f: f.find("Stop", "status")
        w.wait(lambda f: worker_of(w) and worker_of(w) != first, "another worker")
        if stop(w.frame()):
            w.click(stop(w.frame())[0])
        w.wait_words(READY)
        set_tokens(w, 16)
        session = run_now(w)
        w.shot("again")
        after = measured(session)
        check(set(before) <= set(after), "what was measured before is lost")
        check(len(ask(session, "SELECT id FROM runs WHERE state = 'done'")) >= 2, "the run after it is not kept")


run(flow)
