"""Lessons are taken from their first page to the answers of their questions, which are found by measuring."""

import json
import re

from window import Failed, Window, ask, assets, check, run
from workload import choose_device, READY

LESSON = "softmax-topk"
NUMBERED = "bitonic-sort"  # its answer is a number, written down


def times(session):
    """The fastest median of each variant of the last run."""
    rows = ask(session, "SELECT variant, min(median_us) FROM results WHERE operator = 'softmax_topk' AND state = 'done' "
               "AND run = (SELECT max(run) FROM results) GROUP BY variant")
    return dict(rows)


def right_choice(ratio):
    return 0 if ratio < 1.5 else 1 if ratio < 5 else 2


def read(lesson):
    return json.loads((assets() / f"lessons/{lesson}.json").read_text())


def to_the_question(w):
    while turn := w.frame().find(re.compile("^(Next page|The question)$"), "first"):
        w.click(turn[0])


def to_lesson(w, title):
    """By the button that each question ends with."""
    for _ in range(12):
        if w.frame().says(re.compile(f"^{re.escape(title)}")):
            return
        to_the_question(w)
        w.click(w.item(re.compile("^Next lesson"), "first"))
    raise Failed(f"the lesson {title} does not come")


def answer_by_number(w):
    lesson = read(NUMBERED)
    to_lesson(w, lesson["title"])
    to_the_question(w)
    before = [ask(s, "SELECT max(id) FROM runs") for s in w.kept_sessions()]
    control = lesson["question"]["controls"][0]
    w.click(w.reveal(lambda f: f.find(control, "first"), w.item("Previous page", "first"), control)[0])
    session = w.wait(lambda f: f.says(READY) and f.says(re.compile("write down the number")) and
                     [s for s in w.kept_sessions() if "warp_bitonic" in times(s)], "the times of both sorts", 40)[0]
    check([ask(s, "SELECT max(id) FROM runs") for s in w.kept_sessions()] != before, "nothing was run")
    w.settle()
    measured = times(session)
    ratio = measured["block_merge_sort"] / measured["warp_bitonic"]
    field = w.wait(lambda f: [i for i in f.items if i.label.endswith("##number")], "the field of the answer")[0]
    for answer, verdict in ((3 * ratio, "^not this"), (ratio, "^found")):
        w.click(field)
        w.key("End", *["BackSpace"] * 12)
        w.type(f"{answer:.3f}")
        w.wait_words(re.compile(verdict))
    w.shot("number")


def flow():
    lesson = read(LESSON)
    control = lesson["question"]["controls"][0]
    with Window("lesson") as w:
        choose_device(w)
        w.show("Lessons")
        w.shot("list")
        # The first lesson whose answer is not found yet opens by itself.
        title = re.compile(re.escape(lesson["title"]))
        w.wait(lambda f: [t for t in f.says(title) if t.rect[0] < 900], f"the lesson {lesson['title']}")
        for page in range(1, len(lesson["pages"]) + 1):
            w.wait_words(re.compile(f"page {page} of"))
            w.shot(f"page-{page}")
            w.click(w.item(re.compile("^(Next page|The question)$"), "first"))
        w.wait_words(re.compile("Find out by measuring"))
        w.wait_words(re.compile("not yet"))
        w.click(w.reveal(lambda f: f.find(control, "first"), w.item("Previous page", "first"), control)[0])
        session = w.wait(lambda f: f.says(READY) and
                         [s for s in w.kept_sessions() if len(times(s)) > 1], "the times of the lesson's run", 40)[0]
        w.settle()
        w.shot("measured")
        measured = times(session)
        right = right_choice(measured["scalar"] / min(measured.values()))
        wrong = (right + 1) % len(lesson["question"]["choices"])
        choice = lambda n: w.item(lesson["question"]["choices"][n]["text"], "first")
        w.click(choice(wrong))
        w.wait_words(re.compile("not this"))
        w.shot("wrong")
        w.click(choice(right))
        w.wait_words(re.compile("^found"))
        w.shot("found")
        answer_by_number(w)


run(flow)
