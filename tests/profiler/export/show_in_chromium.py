#!/usr/bin/env python3
"""Does Chromium's own trace viewer show an exported trace?

    show_in_chromium.py MOESCOPE SESSION.moescope OUT.png [--viewer trace_viewer_full.html] [--polyfill FILE.js]

chrome://tracing is Catapult's trace viewer, built into Chromium; Debian's build leaves it out (the address
opens a new tab, tried with Chromium 156 headless). The same viewer comes as one HTML file inside the wheel
torch_tb_profiler (BSD, PyPI), which this script fetches with pip unless --viewer names one; the custom
elements that browsers have dropped come from Debian's libjs-webcomponentsjs-custom-element-v0, or --polyfill.

The trace is exported with the program MOESCOPE and opened in Chromium, headless. Held: the viewer imports it
without a warning, and its model has every slice, counter and thread that the trace has, by process and
thread, under the tracks' names; a picture of it is written to OUT.png. (Perfetto's trace processor could not
be tried: no package index has the program, and the wheel perfetto fetches it from Google's storage.)
Exit 0: so it is; 1: not; 77: something needed is missing.
"""

import argparse
import collections
import glob
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

POLYFILL = "/usr/lib/javascript/webcomponentsjs-custom-element-v0/CustomElements.js"

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<script>
const errors = [];
window.onerror = (message, file, line, column, error) => errors.push(String(error && error.stack || message));
// What HTML imports would have given: everything is in this page already.
window.__hideTraceViewerPolyfillWarning = true;
window.HTMLImports = {ready: true, whenReady: f => f()};
Object.defineProperty(document, '_currentScript', {get: () => document.currentScript});
// Its dialogs, which nobody opens here, hang their insides into shadow roots of the old kind.
Element.prototype.createShadowRoot = function() {
  return this.appendChild(Object.assign(document.createElement('div'), {hidden: true}));
};</script>
<script>%(polyfill)s</script>
%(viewer)s
<style>
html, body { box-sizing: border-box; overflow: hidden; margin: 0; width: 100%%; height: 100%%; }
#trace-viewer { width: 100%%; height: 100%%; }
</style>
<pre id="report" hidden></pre>
<script type="application/json" id="trace">%(trace)s</script>
<script>
'use strict';
function tell(report) { document.getElementById('report').textContent = JSON.stringify(report); }
window.onerror = (message, file, line, column, error) => {
  errors.push(String(error && error.stack || message));
  tell({error: errors.join('; ')});
};
window.onunhandledrejection = event => window.onerror('', '', 0, 0, event.reason);
if (errors.length) tell({error: errors.join('; ')});
function counts(model) {
  const rows = {};
  for (const process of model.getAllProcesses()) {
    for (const id in process.threads) {
      const thread = process.threads[id];
      const slices = thread.sliceGroup.length + thread.asyncSliceGroup.length;
      rows[`${process.pid}/${thread.tid}`] = {name: thread.name || '', process: process.name || '', slices};
    }
    for (const id in process.counters) {
      const counter = process.counters[id];
      rows[`${process.pid}/C/${counter.name}`] = {points: counter.timestamps.length};
    }
  }
  return rows;
}
document.addEventListener('WebComponentsReady', () => setTimeout(() => {
  const container = document.createElement('track-view-container');
  container.id = 'track_view_container';
  const viewer = document.createElement('tr-ui-timeline-view');
  viewer.track_view_container = container;
  Polymer.dom(viewer).appendChild(container);
  viewer.id = 'trace-viewer';
  viewer.globalMode = true;
  Polymer.dom(document.body).appendChild(viewer);
  const model = new tr.Model();
  try {
    const trace = document.getElementById('trace');
    new tr.importer.Import(model).importTraces([trace.textContent]);
    trace.remove(); // what is left in the page is what the viewer shows
    viewer.model = model;
    viewer.viewTitle = %(title)s;
    tell({rows: counts(model), flows: model.flowEvents.length,
          warnings: model.importWarnings.map(each => each.message)});
  } catch (problem) {
    tell({error: String(problem.stack || problem)});
  }
}, 0));
</script>
"""


def skip(why):
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(77)


def viewer_text(path, folder):
    if path:
        return pathlib.Path(path).read_text()
    fetched = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
                              "torch_tb_profiler"], capture_output=True, text=True)
    wheels = glob.glob(os.path.join(folder, "torch_tb_profiler*.whl"))
    if fetched.returncode or not wheels:
        skip(f"torch_tb_profiler could not be fetched: {fetched.stderr.strip()[-200:]}")
    return zipfile.ZipFile(wheels[0]).read("torch_tb_profiler/static/trace_viewer_full.html").decode()


def browse(page, *options):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        skip("there is no chromium")
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               "--window-size=1600,1000", "--virtual-time-budget=60000", f"--user-data-dir={profile}",
                               *options, f"file://{page}"], capture_output=True, text=True, timeout=180).stdout


def expected(trace):
    slices, points, flows = collections.Counter(), collections.defaultdict(set), 0
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            slices[f"{event['pid']}/{event['tid']}"] += 1
        elif event["ph"] == "C":
            points[f"{event['pid']}/C/{event['name']}"].add(event["ts"])
        elif event["ph"] == "f":
            flows += 1
    return slices, points, flows


def differences(report, trace, page):
    if "error" in report:
        return [report["error"]]
    slices, points, flows = expected(trace)
    rows = report["rows"]
    wrong = [f"the viewer warns: {each}" for each in report["warnings"]]
    for row, count in slices.items():
        if rows.get(row, {}).get("slices") != count:
            wrong.append(f"thread {row}: {count} slices in the trace, {rows.get(row)} in the viewer")
    for row, times in points.items():
        # The viewer takes points that lie within its resolution together.
        seen = rows.get(row, {}).get("points", 0)
        if not 0 < seen <= len(times) or seen < 0.9 * len(times):
            wrong.append(f"counter {row}: {len(times)} points in the trace, {seen} in the viewer")
    for event in trace["traceEvents"]:
        if event["ph"] == "M" and event["name"] == "thread_name" and f"{event['pid']}/{event['tid']}" in slices:
            if html.escape(event["args"]["name"], quote=False) not in page:
                wrong.append(f"the track \"{event['args']['name']}\" is not in the page")
    if report["flows"] != flows:
        wrong.append(f"{flows} arrows in the trace, {report['flows']} in the viewer")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moescope")
    parser.add_argument("session")
    parser.add_argument("out")
    parser.add_argument("--viewer")
    parser.add_argument("--polyfill", default=POLYFILL)
    options = parser.parse_args()
    if not os.path.exists(options.polyfill):
        skip(f"{options.polyfill} is missing: apt-get install libjs-webcomponentsjs-custom-element-v0")
    with tempfile.TemporaryDirectory() as folder:
        exported = os.path.join(folder, "trace.json")
        subprocess.run([options.moescope, "export", options.session, "--chrome-trace", exported], check=True)
        text = pathlib.Path(exported).read_text()
        page = os.path.join(folder, "page.html")
        pathlib.Path(page).write_text(PAGE % {
            "polyfill": pathlib.Path(options.polyfill).read_text(), "viewer": viewer_text(options.viewer, folder),
            "trace": text.replace("</", "<\\/"), "title": json.dumps(os.path.basename(options.session))})
        shown = browse(page, "--dump-dom")
        found = re.search(r'<pre id="report"[^>]*>(.*?)</pre>', shown, re.DOTALL)
        report = json.loads(html.unescape(found.group(1)) or '{"error": "the viewer did not answer"}') if found else {
            "error": "the page was not loaded"}
        wrong = differences(report, json.loads(text), shown)
        browse(page, f"--screenshot={os.path.abspath(options.out)}")
    rows = report.get("rows", {})
    print(f"{len(rows)} rows: {sum(row.get('slices', 0) for row in rows.values())} slices, "
          f"{sum(row.get('points', 0) for row in rows.values())} points of counters, {report.get('flows', 0)} arrows")
    for each in wrong:
        print(f"different: {each}")
    return 1 if wrong or not os.path.exists(options.out) else 0


if __name__ == "__main__":
    sys.exit(main())
