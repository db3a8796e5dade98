"""The timeline of a recorded session is zoomed by the wheel, moved by a key, and fitted again."""

import re

from window import Window, assets, check, run

TIME = re.compile(r"^-?[\d.,]+ ?(ns|µs|ms|s)$")
FACTOR = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1}


def seconds(text):
    value, unit = re.match(r"^-?([\d.,]+) ?(ns|µs|ms|s)$", text).groups()
    return float(value.replace(",", "")) * FACTOR[unit]


def axis(frame, canvas):
    """The times along the top of the canvas, from left to right."""
    marks = [t for t in frame.says(TIME) if canvas.rect[1] - 40 < t.rect[1] < canvas.rect[1] + 60
             and canvas.rect[0] - 40 < t.rect[0] < canvas.rect[2]]
    rows = {}
    for mark in marks:
        rows.setdefault(round(mark.rect[1]), []).append(mark)
    longest = max(rows.values(), key=len, default=[])
    return [(t.name, round(t.middle[0])) for t in sorted(longest, key=lambda t: t.rect[0])]


def span(marks):
    """Seconds a pixel, and the time at the window's left edge."""
    (first, x0), (last, x1) = marks[0], marks[-1]
    scale = (seconds(last) - seconds(first)) / (x1 - x0)
    return scale, seconds(first) - x0 * scale


def flow():
    with Window("zoom-timeline", [assets() / "sessions/OLMoE-1B-7B.moescope", "--view", "timeline"]) as w:
        canvas = w.item("time", "first")
        whole = w.wait(lambda f: len(axis(f, canvas)) >= 3 and axis(f, canvas), "an axis of three marks")
        w.shot("whole")
        w.scroll(canvas, 8)
        near = w.wait(lambda f: (marks := axis(f, canvas)) and len(marks) >= 2
                      and span(marks)[0] < span(whole)[0] / 2 and marks, f"a nearer view than {whole}")
        w.settle()
        near = axis(w.frame(), canvas)
        w.shot("near")
        w.point(canvas)
        w.hold("d", 0.3)
        w.wait(lambda f: (marks := axis(f, canvas)) and len(marks) >= 2
               and abs(span(marks)[0] / span(near)[0] - 1) < 0.05
               and span(marks)[1] > span(near)[1] + 5 * span(near)[0], f"a later view than {near}")
        w.shot("moved")
        w.click(w.item("Fit", "first"))
        w.wait(lambda f: axis(f, canvas) == whole, f"the whole again: {whole}")
        w.shot("fitted")


run(flow)
