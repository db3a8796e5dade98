"""What flows do in the workload pane."""

import os
import re
import time

from window import Failed, ask, check

READY = re.compile("^Worker ready")  # and where it is, if not here
DEVICE = os.environ.get("MOESCOPE_FLOW_DEVICE", "cpu")


def open_list(w, title, wanted):
    """Opens a field's list; once more where the fields moved under the pointer, as they do when a banner comes."""
    for _ in range(3):
        w.click(w.field(title)[0])
        try:
            return w.wait(wanted, f"the list of {title}", 3)
        except Failed:
            pass
    raise Failed(f"the list of {title} does not open")


def choose_device(w):
    w.wait_words(READY, 40)
    name = re.compile(rf"^{DEVICE}\b.*·")
    w.click(open_list(w, "Device", lambda f: f.find(name, "popup"))[0])


def choose_model(w, search, name):
    open_list(w, "Model", lambda f: f.find("##search", "popup"))
    w.type(search)
    w.click(w.item(name, "popup"))


def over_fields(w):
    """A place where the wheel scrolls the fields."""
    run = w.item("Run", "workload")
    return run.middle[0], run.rect[1] - 150


def to_the_top(w):
    """Scrolls the fields back to the first of them."""
    w.reveal(lambda f: f.says("Model"), over_fields(w), "the first fields", down=False)


def set_tokens(w, tokens):
    to_the_top(w)
    w.fill(w.field("Tokens T")[-1], str(tokens))
    w.wait(lambda f: f.says(str(tokens)), f"{tokens} tokens")


def families(frame):
    """The boxes of the operators' families, from the top, each with those of its operators."""
    boxes = [i for i in frame.items if i.data["window"] == "workload" and i.label]
    wanted = [i for i in boxes if i.label.endswith("###wanted")]
    check(wanted, "there are no operators to tick")
    first = next(n for n, i in enumerate(boxes) if i is wanted[0]) - 1
    left, found = boxes[first].rect[0], []
    for box in boxes[first:]:
        if box in wanted:
            found[-1][1].append(box)
        elif box.label in ("Run", "Stop", "Live", "Tune"):
            continue
        elif abs(box.rect[0] - left) < 1:
            found.append((box, []))
    return found


def tick_only(w, *names):
    """Leaves the ticks of these families alone."""
    titles = [box.name for box, _ in families(w.frame())]
    check(all(name in titles for name in names), f"the families are {titles}")
    over = over_fields(w)
    for title in titles:
        if title in names:
            continue
        ticked = lambda f: [m.data["checked"] for box, members in families(f) if box.name == title for m in members]
        for _ in range(6):  # a dash becomes a tick before it becomes nothing
            before = ticked(w.frame())
            if not any(before):
                break
            w.click(w.reveal(lambda f: [b for b, _ in families(f) if b.name == title and b.visible], over, title)[0])
            try:
                w.wait(lambda f: ticked(f) != before, f"a change of {title}", 3)
            except Failed:  # the box moved under the pointer
                pass
        else:
            raise Failed(f"{title} cannot be unticked")


def measured(session):
    """Operator, variant and median of what a session file holds."""
    return ask(session, "SELECT operator, variant, median_us FROM results WHERE state = 'done'")


def run_now(w, seconds=40):
    """Presses Run and waits for its end; the session file that was written on the way."""
    before = {s: len(ask(s, "SELECT id FROM runs")) for s in w.kept_sessions()}
    w.click(w.item("Run", "workload"))

    def finished(frame):
        for session in w.kept_sessions():
            try:
                states = ask(session, "SELECT state FROM runs ORDER BY id")
            except Exception:  # not written yet
                continue
            if len(states) > before.get(session, 0) and states[-1][0] != "running" and frame.says(READY):
                return session

    return w.wait(finished, "the end of the run", seconds)


def tick_little(w):
    """Leaves what is soon measured at few tokens, and takes long enough at many that a worker can be lost in it: on a GPU
    routing is over in milliseconds."""
    tick_only(w, "Routing", *([] if DEVICE == "cpu" else ["Grouped products"]))


def measure_routing(w):
    """A short run that leaves results behind: its session file, and what it holds."""
    choose_device(w)
    choose_model(w, "olmoe", "OLMoE-1B-7B")
    set_tokens(w, 16)
    tick_little(w)
    session = run_now(w)
    before = measured(session)
    check(before, "nothing was measured")
    return session, before


def wait_for_return(w):
    """Waits until a lost host's worker is back, and stops what it goes on with."""
    w.wait(lambda f: f.says(re.compile("^(Worker ready|Running)")), "the connection again", 40)
    w.shot("again")
    if stop := w.frame().find("Stop", "status"):
        w.click(stop[0])
    w.wait_words(READY, 40)


def start_long_run(w):
    """Presses Run for enough tokens that something can happen meanwhile."""
    set_tokens(w, 4096 if DEVICE == "cpu" else 262144)
    w.click(w.item("Run", "workload"))
    w.wait_words(re.compile("Running"))
    time.sleep(0.3)
