#!/usr/bin/env bash
# What the window costs on a session of a million kernels, on this machine: builds, measures and prints, and
# writes FOLDER/window.json and FOLDER/window.md. Needs no display and no GPU; where there is one, the plan's
# start is measured on it.
#
#     tests/benchmarks/window/run.sh [--out FOLDER] [OPTION...]
#
# FOLDER is build/default/benchmarks if none is named; the other options go to the program (--kernels N).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

build=build/default
out=$build/benchmarks
if [ "${1:-}" = --out ]; then
    out=$2
    shift 2
fi
mkdir -p "$out"
[ -f "$build/CMakeCache.txt" ] || cmake --preset default >/dev/null
cmake --build "$build" --target window_benchmark moescope-worker | tail -n 3
"$build/tests/benchmarks/window/window_benchmark" --worker "$build/profiler/moescope-worker" \
    --json "$out/window.json" --markdown "$out/window.md" "$@"
echo "written: $out/window.json, $out/window.md"
