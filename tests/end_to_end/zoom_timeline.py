"""The timeline of a recorded session is zoomed by the wheel, moved by a key, and fitted again; all of it is
measured, and the figures are those of the file."""

import re
import statistics

from window import Window, ask, assets, check, run

SESSION = assets() / "sessions/OLMoE-1B-7B.moescope"

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


def measure_all(w, canvas):
    """A drag with Shift over the kernels' track, against SQL over the same kernels."""
    track = w.wait_words(re.compile("^Kernels, stream"))
    y = track.middle[1]
    w.drag_with("shift", (canvas.rect[0] + 3, y), (canvas.rect[2] - 3, y))
    counted = w.wait_words(re.compile("items begin on Kernels"))
    times = [ns for ns, in ask(SESSION, "SELECT end_ns - start_ns FROM kernels")]
    count, total = re.search(r"([\d,]+) items begin on .*: ([\d.]+ \S+) in all", counted.name).groups()
    check(int(count.replace(",", "")) == len(times), f"{counted.name}: the file has {len(times)} kernels")
    said = {name: w.wait_words(re.compile(f"^{name} .*s$")).name[len(name) + 1:]
            for name in ("mean", "median", "shortest", "longest")}
    for name, text, ns in (("total", total, sum(times)), ("mean", said["mean"], statistics.mean(times)),
                           ("median", said["median"], statistics.median(times)),
                           ("shortest", said["shortest"], min(times)), ("longest", said["longest"], max(times))):
        check(abs(seconds(text) / (ns * 1e-9) - 1) < 0.005, f"{name} {text}: {ns} ns by the file")
    w.shot("measured")
    w.point(canvas)
    w.key("Escape")
    w.wait_no_words(re.compile("items begin on"))


def flow():
    with Window("zoom-timeline", [SESSION, "--view", "timeline"]) as w:
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
        measure_all(w, canvas)


run(flow)
