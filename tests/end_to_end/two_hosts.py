"""Two machines behind ssh are open at once: each is measured on, their sessions are compared, one is lost in the middle
of a run and comes back, and neither loses what was measured."""

import os
import re

from ssh_server import SshServer
from window import Window, check, run
from workload import choose_model, measured, READY, run_now, set_tokens, start_long_run, tick_little, wait_for_return


def open_hosts(w):
    w.key("ctrl+shift+h")
    w.wait_words("Another host")


def connect(w, name):
    open_hosts(w)
    w.fill(w.item("##host", "popup"), name)
    w.wait(lambda f: f.says(name), f"the row of {name}")
    w.shot(f"connecting-{name}")
    w.key("Escape")
    w.wait_words(re.compile(f"^Worker ready.*{name}$"), 40)


def flow():
    worker = os.environ["MOESCOPE_WORKER"]
    with SshServer(worker, "gpu-a") as first, SshServer(worker, "gpu-b", first) as second, \
            Window("two-hosts", environment=second.environment) as w:
        w.wait_words(READY, 40)
        connect(w, "gpu-a")
        choose_model(w, "olmoe", "OLMoE-1B-7B")
        set_tokens(w, 16)
        tick_little(w)
        of_a = run_now(w)
        before_a = measured(of_a)
        connect(w, "gpu-b")
        w.wait_words(re.compile("^Nothing is measured on gpu-b yet"))
        w.shot("nothing-of-b")
        set_tokens(w, 16)
        of_b = run_now(w)
        before_b = measured(of_b)
        check(of_a != of_b and "gpu-a" in of_a.name and "gpu-b" in of_b.name, f"the sessions are {of_a} and {of_b}")

        open_hosts(w)
        w.shot("both")
        w.click(w.item("Compare", "popup"))
        w.wait_words(re.compile("geometric mean"))
        w.wait_no_words("Another host")  # the popup is gone
        w.wait_words("Live on gpu-a, its run")
        w.wait_words("Live on gpu-b, its run")
        w.shot("compared")

        start_long_run(w)
        second.stop()
        w.wait_words(re.compile("onnection.*lost"), 40)
        open_hosts(w)
        w.shot("lost")
        w.key("Escape")
        second.start()
        wait_for_return(w)
        check(set(before_a) <= set(measured(of_a)) and set(before_b) <= set(measured(of_b)), "what was measured is lost")


run(flow)
