"""A lesson is taken from its first page to the answer of its question, which is found by measuring."""

import json
import re

from window import Window, ask, assets, check, run
from workload import choose_device, READY

LESSON = "softmax-topk"


def times(session):
    """The fastest median of each variant of the last run."""
    rows = ask(session, "SELECT variant, min(median_us) FROM results WHERE operator = 'softmax_topk' AND state = 'done' "
               "AND run = (SELECT max(run) FROM results) GROUP BY variant")
    return dict(rows)


def right_choice(ratio):
    return 0 if ratio < 1.5 else 1 if ratio < 5 else 2


def flow():
    lesson = json.loads((assets() / f"lessons/{LESSON}.json").read_text())
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


run(flow)
