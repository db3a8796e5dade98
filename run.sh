#!/usr/bin/env bash
# Sets everything up, then opens the window; without a display it runs the main job on the command
# line instead. Arguments go to moescope.
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"
set_up "${BUILD_PACKAGES[@]}"
build moescope moescope-worker moescope_kernels

moescope=$MOESCOPE_BUILD/app/moescope
if [ $# -gt 0 ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$moescope" "$@"
fi

say "no display: running the main job on the command line"
mkdir -p out
tokens=2048
"$moescope" devices 2>/dev/null | grep -q '^cuda:' || tokens=16 # the references are honest, not fast
"$moescope" run --model OLMoE-1B-7B --tokens $tokens --out out/first.moescope --picture out/first.png
"$moescope" export out/first.moescope --chrome-trace out/first.json
say "session: $PWD/out/first.moescope"
say "trace:   $PWD/out/first.json (open it in Perfetto or chrome://tracing)"
say "picture: $PWD/out/first.png"
