"""The timeline of a recorded session is zoomed by wheel and keyboard, moved by dragging, and fitted again."""

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
    return [t.name for t in sorted(longest, key=lambda t: t.rect[0])]


def step(marks):
    values = [seconds(mark) for mark in marks]
    return min(b - a for a, b in zip(values, values[1:]))


def flow():
    with Window("zoom-timeline", [assets() / "sessions/OLMoE-1B-7B.moescope", "--view", "timeline"]) as w:
        canvas = w.item("time", "first")
        whole = axis(w.frame(), canvas)
        check(len(whole) >= 3, f"the axis shows {whole}")
        w.shot("whole")
        w.scroll(canvas, 8)
        w.settle()
        near = axis(w.frame(), canvas)
        check(len(near) >= 2 and step(near) < step(whole) / 2, f"the wheel leads from {whole} to {near}")
        w.shot("near")
        x, y = canvas.middle
        w.drag((x, y), (x - 300, y))
        moved = axis(w.frame(), canvas)
        check(moved != near, "dragging moves nothing")
        w.shot("moved")
        w.click(w.item("Fit", "first"))
        check(axis(w.frame(), canvas) == whole, "Fit does not bring the whole back")
        w.shot("fitted")


run(flow)
