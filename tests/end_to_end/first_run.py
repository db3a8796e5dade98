"""The first minutes: the tour, the palette, a change undone, keys changed, and everything as it was left
at the next start."""

import json
import os
import re

from window import Window, check, run


def take_the_tour(w):
    w.wait_words("Welcome to MoEScope", 30)
    w.shot("tour")
    steps = 0
    while w.frame().find("Next", "tour card"):
        w.click(w.item("Next", "tour card"))
        steps += 1
        w.shot("tour")
    check(4 <= steps <= 7, f"the tour has {steps + 1} steps")
    w.click(w.item("Done", "tour card"))
    check(not w.frame().find("Skip"), "the tour goes on after its last step")


def choose_by_letters(w, letters):
    w.key("ctrl+p")
    w.wait(lambda f: f.find("##query"), "the palette")
    w.type(letters)
    w.shot("palette")
    w.key("Return")


def model(frame):
    return [t.name for t in frame.texts if re.match(r"(Mixtral|OLMoE|Qwen)", t.name) and t.rect[2] < 330]


def change_keys(w):
    choose_by_letters(w, "keyboard shortcuts")
    w.wait_words("Keyboard shortcuts")
    w.type("memory")
    w.shot("shortcuts")
    w.click(w.item(re.compile(r"##keys$")))
    w.key("ctrl+p")  # another command's
    w.wait_words(re.compile("has it already"))
    w.click(w.item(re.compile(r"##keys$")))
    w.key("F8")
    w.wait_words("F8")
    w.key("Escape")
    w.key("F8")
    w.wait_words("What holds the memory?")


def flow():
    with Window("first-run", kept=None) as w:
        take_the_tour(w)
        w.wait_words("Worker ready", 40)
        if os.environ.get("MOESCOPE_FLOW_DEVICE", "cpu") == "cpu":  # then a recorded session opens, with its model
            w.wait_words("Recorded", 40)
        w.settle()
        before = model(w.frame())
        choose_by_letters(w, "qwen3 30b")
        w.wait(lambda f: any("Qwen3-30B" in name for name in model(f)), "the model in the workload")
        w.key("ctrl+z")
        w.wait(lambda f: model(f) == before, "the model before")
        w.key("ctrl+shift+z")
        w.wait(lambda f: model(f) != before, "the model again")
        change_keys(w)
        w.key("ctrl+b")
        w.wait(lambda f: not f.says("Workload"), "the window without its workload pane")
        check(w.leave() == 0, "the window does not close well")
        kept = json.loads(w.settings.read_text())
        check(kept["toured"] and kept["shortcuts"] == {"view.memory": "F8"}, f"{kept} is kept")

        gone = str(w.home / "gone.moescope")
        kept["recent"] = [gone]
        w.settings.write_text(json.dumps(kept))
        w.map.unlink()  # of the window that has gone
        w.open((), (1440, 900))
        w.wait_words("What holds the memory?")
        check(not w.frame().says("Welcome to MoEScope"), "the tour comes a second time")
        check(not w.frame().says("Workload"), "a pane that was closed is open again")
        w.key("ctrl+b")
        w.wait(lambda f: any("Qwen3-30B" in name for name in model(f)), "the model as it was left")
        w.click(w.item("File", "menu"))
        w.click(w.item("Open recent"))
        w.wait_words(re.compile("not there any more"))
        w.shot("recent")


run(flow)
