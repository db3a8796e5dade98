"""Two sessions are compared in the window; its verdicts are those of the command line."""

import json
import os
import re
import shutil
import subprocess

from window import Window, assets, check, run


def flow():
    first, second = (assets() / "sessions" / name for name in ("OLMoE-1B-7B-mma-sync.moescope", "OLMoE-1B-7B.moescope"))
    with Window("compare", [first, "--view", "compare"]) as w:
        shutil.copy(second, w.home / "b.moescope")
        w.fill(w.item("##second", "first"), "b.moescope")
        w.wait_words(re.compile("geometric mean"))
        w.shot("compared")
        w.show("Sweep")
        w.wait_words("How does it scale?")
        w.show("Compare")  # the view in the group of that name
        w.wait_words("What changed?")
        said = subprocess.run([os.environ["MOESCOPE"], "compare", str(first), str(second), "--json"],
                              env=w.environment, capture_output=True, text=True, timeout=60)
        document = json.loads(said.stdout)
        verdicts = [row["verdict"] for row in document["rows"]]
        check(verdicts, "the command line compares nothing")
        words = w.frame().all_words()
        for verdict in set(verdicts):
            check(f"{verdicts.count(verdict)} {verdict}" in words or f"{verdicts.count(verdict)}\n{verdict}" in words,
                  f"the window does not say {verdicts.count(verdict)} {verdict}")
        w.click(w.item("Swap", "first"))
        w.wait(lambda f: f.all_words() != words, "what Swap changes")
        w.shot("swapped")


run(flow)
