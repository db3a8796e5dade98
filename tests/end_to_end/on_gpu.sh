#!/usr/bin/env bash
# Every flow once, on a machine with a GPU, where the kernels are real.
#   usage: on_gpu.sh FOLDER [DISPLAY_FOLDER]
# FOLDER holds bin/moescope and bin/moescope-worker (an unpacked archive, or an installation) with share/moescope,
# or with assets/ beside bin/. DISPLAY_FOLDER, for a machine without Xvfb, holds start.sh, which is sourced and
# puts Xvfb and xdotool on the PATH. Pictures, logs and flows.md go to $OUT (default: ./out).
set -uo pipefail
folder=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD/out}
mkdir -p "$out/pictures"
if [ $# -gt 1 ]; then
    export DISPLAY_GLX=mesa # only the kernels need the GPU
    # shellcheck source=/dev/null
    . "$2/start.sh"
fi
export MOESCOPE=$folder/bin/moescope MOESCOPE_WORKER=$folder/bin/moescope-worker
export MOESCOPE_PICTURES=$out/pictures MOESCOPE_FLOW_DEVICE=${MOESCOPE_FLOW_DEVICE:-cuda:0} PYTHONDONTWRITEBYTECODE=1
for assets in "$folder/share/moescope" "$folder/assets"; do
    [ ! -e "$assets/models.json" ] || export MOESCOPE_ASSETS=$assets
done
[ ! -d "$folder/lib" ] || export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
"$MOESCOPE_WORKER" --devices | tee "$out/devices.txt"
failed=0
one() {
    timeout -k 5 "${FLOW_SECONDS:-150}" python3 "$here/$1.py" >"$out/$1.log" 2>&1
    local code=$?
    case $code in
    0) echo "| $1 | $(tail -n 1 "$out/$1.log") |" ;;
    77) echo "| $1 | $(grep SKIPPED "$out/$1.log") |" ;;
    *) echo "| $1 | FAILED ($code): $(grep -h FAILED "$out/$1.log" | tail -n 1) |"; return 1 ;;
    esac
}
# They wait more than they work: all at once.
flows=$(cd "$here" && grep -l '^run(flow)' *.py | sed 's/\.py$//')
pids=()
for flow in $flows; do
    one "$flow" >"$out/$flow.line" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
{
    printf '# The flows through the window\n\nOn %s, all at once.\n\n| flow | outcome |\n| --- | --- |\n' \
        "$(sed -n "s/^$MOESCOPE_FLOW_DEVICE  *//p" "$out/devices.txt")"
    for flow in $flows; do cat "$out/$flow.line"; rm "$out/$flow.line"; done
} | tee "$out/flows.md"
exit $failed
