"""Plots are taken away by their menu: as SVG with real words, as PNG, under a name that is asked for."""

import re
import struct

from window import Window, assets, check, run


def open_menu(w, words):
    """Right-clicks the plot that shows these words, a little above them."""
    x, y = w.wait_words(words).middle
    w.click((x, y - 60), button=3)


def save(w, kind, path):
    w.click(w.item(f"Save as {kind}…", "popup"))
    w.wait_words("Save the plot")
    w.shot(f"{path.stem}-{kind.lower()}")
    w.key("ctrl+a")
    w.type(str(path))
    w.key("Return")
    w.wait_words(f"Saved as {path}.")
    check(path.exists(), f"{path.name} is not there")


def flow():
    with Window("save-plots", [assets() / "sessions/OLMoE-1B-7B.moescope", "--view", "roofline"]) as w:
        title = re.compile("^Intensity: FLOP a byte$")
        open_menu(w, title)
        w.shot("menu")
        save(w, "SVG", w.home / "roofline.svg")
        text = (w.home / "roofline.svg").read_text()
        check(text.startswith("<svg ") and ">Intensity: FLOP a byte</text>" in text, "the SVG has not the plot's words")
        roof, = w.frame().says(re.compile(r"^\S+ TFLOP/s matrix units, \w+$"))
        check(f">{roof.name}</text>" in text, f"the SVG has not the roof {roof.name}")

        open_menu(w, title)
        save(w, "PNG", w.home / "roofline.png")
        picture = (w.home / "roofline.png").read_bytes()
        width, height = struct.unpack(">II", picture[16:24])
        svg = re.match(r'<svg [^>]*width="([\d.]+)" height="([\d.]+)"', text)
        check(abs(width - 2 * float(svg[1])) <= 2 and abs(height - 2 * float(svg[2])) <= 2,
              f"the picture is {width} x {height}, the drawing {svg[1]} x {svg[2]}")

        w.show("Timeline")
        w.settle()
        open_menu(w, re.compile("^Kernels, stream 13$"))
        save(w, "SVG", w.home / "timeline.svg")
        check("Kernels, stream 13</text>" in (w.home / "timeline.svg").read_text(), "the timeline's SVG has not its tracks")


run(flow)
