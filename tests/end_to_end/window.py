"""Drives the real window of moescope through X events, as a person would: mouse and keyboard only.

Controls are found by what the window says is on screen (MOESCOPE_UI_MAP: every frame's items and words
as JSON), never by places written down here, so that the flows outlive a new layout.

Environment: MOESCOPE and MOESCOPE_WORKER name the programs, MOESCOPE_ASSETS the assets,
MOESCOPE_PICTURES a folder for the pictures of each step (one folder a flow).
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from pathlib import Path

SKIP = 77  # ctest's SKIP_RETURN_CODE


def skip(why):
    print(f"SKIPPED: {why}: the window was NOT tested", file=sys.stderr)
    sys.exit(SKIP)


class Failed(AssertionError):
    pass


def check(condition, words):
    if not condition:
        raise Failed(words)


# --- the display -------------------------------------------------------------------------------


class Display:
    """An X server of its own, whose picture lies in a file."""

    def __init__(self, width, height):
        if not shutil.which("Xvfb") or not shutil.which("xdotool"):
            skip("Xvfb or xdotool is not installed")
        self.folder = tempfile.TemporaryDirectory(prefix="moescope-display-")
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp",
             "-fbdir", self.folder.name],
            pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            self.server.wait()
            skip("Xvfb does not start")
        self.name = f":{number}"

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.folder.cleanup()

    def save(self, path):
        """The screen as a PNG, from Xvfb's framebuffer in XWD format."""
        data = Path(self.folder.name, "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", data[:100])
        start = header[0] + header[19] * 12
        width, height, bits, stride = header[4], header[5], header[11], header[12]
        check(bits == 32, f"the display has {bits} bits a pixel")
        rows = bytearray()
        for y in range(height):
            line = data[start + y * stride : start + y * stride + width * 4]
            rgb = bytearray(width * 3)
            order = (2, 1, 0) if header[7] == 0 else (1, 2, 3)
            for channel, source in enumerate(order):
                rgb[channel::3] = line[source::4]
            rows += b"\0" + rgb

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        Path(path).write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(rows), 3)) + chunk(b"IEND", b""))


# --- what is on screen --------------------------------------------------------------------------


class Thing:
    """An item or a text of a frame, with its place in the window."""

    def __init__(self, data):
        self.data = data
        self.rect = data["rect"]
        self.seen = data.get("seen", self.rect)
        self.label = data.get("label", "")
        self.name = data["text"] if "text" in data else self.label.split("##")[0] or self.label

    @property
    def visible(self):
        return self.seen[2] - self.seen[0] > 2 and self.seen[3] - self.seen[1] > 2

    @property
    def middle(self):
        x0, y0, x1, y1 = self.seen
        return (x0 + x1) / 2, (y0 + y1) / 2

    def holds(self, other):
        x, y = other.middle
        return self.seen[0] <= x <= self.seen[2] and self.seen[1] <= y <= self.seen[3]

    def on_line_of(self, other):
        return self.rect[1] < other.middle[1] < self.rect[3]


def same(words, name):
    return words.search(name) if isinstance(words, re.Pattern) else words == name


class Frame:
    def __init__(self, data):
        self.number = data["frame"]
        self.mouse, self.clicks, self.wheel = data["mouse"], data["clicks"], data["wheel"]
        self.texts = [Thing(text) for text in data["texts"]]
        self.items = [Thing(item) for item in data["items"]]
        for item in self.items:
            if not item.data["label"] and item.visible and item.rect[3] - item.rect[1] < 60:
                item.name = " ".join(t.name for t in self.texts if item.holds(t))  # a tab, a list, a small button

    def find(self, label, pane=None):
        """Visible items of this name (a pattern: whose name it matches), in a pane or anywhere."""
        return [i for i in self.items
                if i.visible and i.name and (same(label, i.name) or same(label, i.data["label"]))
                and (pane is None or i.data["window"] == pane or (pane == "popup" and i.data["window"].startswith("##")))]

    def says(self, words):
        return [t for t in self.texts if same(words, t.name)]

    def all_words(self):
        return "\n".join(t.name for t in self.texts)


# --- the window ---------------------------------------------------------------------------------


class Window:
    def __init__(self, flow, arguments=(), size=(1440, 900), environment=None, kept={"toured": True}):
        """kept: the settings an earlier start has left; None: this is the first one, which shows the tour."""
        self.home = Path(tempfile.mkdtemp(prefix="moescope-flow-"))
        self.map = self.home / "map.json"
        self.settings = self.home / "config/moescope/settings.json"
        pictures = os.environ.get("MOESCOPE_PICTURES")
        self.pictures = Path(pictures) / flow if pictures else None
        if self.pictures:
            shutil.rmtree(self.pictures, ignore_errors=True)
            self.pictures.mkdir(parents=True)
        self.shots = self.settled = 0
        if kept is not None:
            self.settings.parent.mkdir(parents=True)
            self.settings.write_text(json.dumps(kept))
        self.display = Display(*size)
        self.environment = dict(os.environ, HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"),
                                XDG_DATA_HOME=str(self.home / "data"), MOESCOPE_UI_MAP=str(self.map),
                                DISPLAY=self.display.name, LIBGL_ALWAYS_SOFTWARE="1")
        self.environment.setdefault("MOESCOPE_CACHE_DIR", str(self.home / "cache"))
        for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
            self.environment.pop(name, None)
        self.environment.update(environment or {})
        self.log = open(self.home / "log", "w+")
        self.program = None
        try:
            self.open(arguments, size)
        except BaseException:
            self.close()
            raise

    def open(self, arguments, size):
        command = [os.environ["MOESCOPE"], *map(str, arguments), "--size", f"{size[0]}x{size[1]}", "--scale", "1"]
        self.program = subprocess.Popen(command, env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.wait(lambda f: f.number > 3, "the first frames", 30)
        found = self.xdotool("search", "--onlyvisible", "--class", "moescope").split()
        check(found, "there is no window of the class moescope")
        self.id = found[0]
        self.xdotool("windowmove", found[0], "0", "0", "windowfocus", found[0])
        self.settle()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and kind is not SystemExit:
            print(self.describe(), file=sys.stderr)
            if self.pictures:
                self.shot("failed")
        self.close()

    def describe(self):
        self.log.seek(0)
        said = self.log.read()[-2000:]
        try:
            words = self.frame().all_words()
        except (OSError, ValueError):
            words = "no frame was drawn"
        return f"--- the window shows\n{words}\n--- the program said\n{said}"

    def close(self):
        if self.program and self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)
            try:
                self.program.wait(10)
            except subprocess.TimeoutExpired:
                self.program.kill()
                self.program.wait()
        self.display.close()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def leave(self):
        """Closes the window as its user would; its exit code."""
        self.program.send_signal(signal.SIGTERM)
        return self.program.wait(15)

    # looking

    def frame(self):
        return Frame(json.loads(self.map.read_text()))

    def wait(self, wanted, what, seconds=20):
        """The first frame for which wanted(frame) is true, and what it was."""
        end = time.monotonic() + seconds
        while True:
            if self.program.poll() is not None:
                raise Failed(f"the window ended with {self.program.returncode} while it was waited for {what}")
            try:
                found = wanted(self.frame())
            except (OSError, ValueError):
                found = None
            if found:
                return found
            if time.monotonic() > end:
                raise Failed(f"{what} did not come within {seconds} s")
            time.sleep(0.05)

    def wait_words(self, words, seconds=20):
        return self.wait(lambda f: f.says(words), f"the words {words}", seconds)[0]

    def wait_no_words(self, words, seconds=20):
        self.wait(lambda f: not f.says(words), f"the end of the words {words}", seconds)

    def settle(self, seconds=4.0):
        """Until the window has drawn what came of the last action and stood still for a moment, or a little while."""
        started = since = time.monotonic()
        last, seen = self.settled, None
        while time.monotonic() - started < seconds:
            number = self.frame().number
            if number != seen:
                seen, since = number, time.monotonic()
            still = time.monotonic() - since
            if still > (0.2 if number != last else 0.8):
                break
            time.sleep(0.03)
        self.settled = seen

    def item(self, label, pane=None, nth=0, seconds=20):
        found = self.wait(lambda f: len(f.find(label, pane)) > nth and f.find(label, pane),
                          f"\"{label}\"" + (f" in {pane}" if pane else ""), seconds)
        return found[nth]

    def field(self, title, pane="workload"):
        """The control right of this title."""
        def beside(frame):
            for text in frame.says(title):
                right = [i for i in frame.items if i.visible and i.data["window"] == pane
                         and i.on_line_of(text) and i.rect[3] - i.rect[1] < 60 and i.rect[0] >= text.rect[2] - 1]
                if right:
                    return right
        return self.wait(beside, f"the field of {title}")

    def reveal(self, wanted, over, what, down=True):
        """Scrolls the pane under a place until wanted(frame) is something."""
        for _ in range(60):
            found = wanted(self.frame())
            if found:
                return found
            self.scroll(over, -2 if down else 2)
        raise Failed(f"{what} is nowhere to be scrolled to")

    # doing

    def xdotool(self, *words):
        done = subprocess.run(["xdotool", *map(str, words)], env=self.environment, capture_output=True, text=True,
                              timeout=20)
        check(done.returncode == 0, f"xdotool {' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    def arrived(self, wanted, what):
        """Waits for the frame in which input arrived; settle() waits for what came of it."""
        self.wait(wanted, what)

    def point(self, place):
        x, y = place.middle if isinstance(place, Thing) else place
        self.xdotool("mousemove", round(x), round(y))
        self.wait(lambda f: abs(f.mouse[0] - round(x)) <= 1 and abs(f.mouse[1] - round(y)) <= 1, "the pointer")

    def steady(self, thing):
        """The thing where it stands now, once it has stood there for a moment: layouts move as things arrive."""
        for _ in range(40):
            frame = self.frame()
            alike = [t for t in (frame.texts if "text" in thing.data else frame.items)
                     if t.name == thing.name and t.data.get("window") == thing.data.get("window") and t.visible]
            if not alike:
                return thing
            now = min(alike, key=lambda t: abs(t.rect[0] - thing.rect[0]) + abs(t.rect[1] - thing.rect[1]))
            if now.rect == thing.rect:
                return now
            thing = now
            time.sleep(0.1)
        return thing

    def click(self, place, times=1, button=1):
        if isinstance(place, str):
            place = self.item(place)
        if isinstance(place, Thing):
            self.point(place)
            place = self.steady(place)
        check(not (isinstance(place, Thing) and place.data.get("disabled")), f"{getattr(place, 'name', place)} is disabled")
        self.point(place)
        before = self.frame().clicks
        self.xdotool("click", "--repeat", times, "--delay", 60, button)
        self.arrived(lambda f: f.clicks >= before + times, "the click")
        self.settle()

    def drag_with(self, key, start, end):
        self.point(start)
        self.xdotool("keydown", key)
        try:
            self.drag(start, end)
        finally:
            self.xdotool("keyup", key)
        self.settle()

    def drag(self, start, end, button=1, steps=8):
        before = self.frame().clicks
        self.point(start)
        self.xdotool("mousedown", button)
        for i in range(1, steps + 1):
            self.xdotool("mousemove", round(start[0] + (end[0] - start[0]) * i / steps),
                         round(start[1] + (end[1] - start[1]) * i / steps))
        self.xdotool("mouseup", button)
        self.arrived(lambda f: f.clicks > before, "the end of dragging")
        self.settle()

    def scroll(self, place, clicks):
        """Up for positive clicks of the wheel."""
        self.point(place)
        before = self.frame().wheel
        self.xdotool("click", "--repeat", abs(clicks), "--delay", 30, 4 if clicks > 0 else 5)
        self.arrived(lambda f: abs(f.wheel - before - clicks) < 0.5, "the wheel")
        self.settle()

    def key(self, *keys):
        self.xdotool("key", "--delay", 40, *keys)
        self.settle()

    def hold(self, key, seconds):
        self.xdotool("keydown", key)
        time.sleep(seconds)
        self.xdotool("keyup", key)
        self.settle()

    def type(self, text):
        self.xdotool("type", "--delay", 12, text)
        self.settle()

    def fill(self, place, text):
        """Replaces what a text field holds."""
        self.click(place)
        self.key("ctrl+a")
        self.type(text)
        self.key("Return")

    def show(self, view, pane="first"):
        """A view by its tab; where the tab's group is not in front, through the groups."""
        def tab(frame):
            row = frame.find("Measure", pane)
            below = [i for i in frame.find(view, pane) if row and row[0].rect[3] - 2 < i.rect[1] < row[0].rect[3] + 48]
            return below and below[0]

        for group in (None, "Measure", "Explain", "Compare", "Session", "Learn"):
            if group:
                self.click(self.item(group, pane))
            if found := tab(self.frame()):
                self.click(found)
                return
        raise Failed(f"there is no tab {view}")

    def shot(self, name):
        self.shots += 1
        if self.pictures:
            self.point((2, 2)) if name != "failed" else None
            self.settle()
            self.display.save(self.pictures / f"{self.shots:02}-{name}.png")

    # what was kept

    def kept_sessions(self):
        return sorted((self.home / "data/moescope/live").glob("*.moescope"))


def descendants(process):
    """The processes below this one."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def ask(session, sql, *values):
    """Rows of a session file."""
    with sqlite3.connect(f"file:{session}?mode=ro", uri=True) as database:
        return database.execute(sql, values).fetchall()


def assets():
    return Path(os.environ["MOESCOPE_ASSETS"])


def run(flow):
    """Runs a flow as a program: 0, 1 with the reason, or 77."""
    started = time.monotonic()
    try:
        flow()
    except Exception as reason:
        if not isinstance(reason, Failed):
            traceback.print_exc()
        print(f"FAILED: {reason or type(reason).__name__}", file=sys.stderr)
        sys.exit(1)
    print(f"done in {time.monotonic() - started:.1f} s")
