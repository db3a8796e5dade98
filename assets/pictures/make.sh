#!/usr/bin/env bash
# Draws the pictures of the README from the recorded sessions, on a virtual display:
#   assets/pictures/make.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
moescope=$(realpath "${1:-build/default}/app/moescope")
assets=$PWD/assets sessions=$PWD/assets/sessions out=$PWD/assets/pictures
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
for tool in pngquant optipng; do
    command -v "$tool" >/dev/null || echo "$tool is not installed: the pictures are larger than they need be" >&2
done
cd "$home"
export HOME=$home XDG_CONFIG_HOME=$home XDG_DATA_HOME=$home MOESCOPE_ASSETS=$assets LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY

# picture NAME VIEW SESSION...: in $theme, of run $run, after the commands $first and with the pointer at $point
theme=dark first= point= run= frames=60
picture() {
    local name=$1 view=$2 files=() file
    shift 2
    for file in "$@"; do # by name: a picture does not tell whose folder it was made in
        [ -f "$file.moescope" ] || ln -s "$sessions/$file.moescope" .
        files+=("$file.moescope")
    done
    # The screen is wide enough that the pointer in its middle is off the window.
    xvfb-run -a -s "-screen 0 3200x2000x24" "$moescope" "${files[@]}" --view "$view" --screenshot "$out/$name.png" \
        --size 1440x900 --scale 1 --theme "$theme" --frames $frames ${run:+--run "$run"} ${first:+--do "$first"} ${point:+--point "$point"}
    ! command -v pngquant >/dev/null || pngquant --nofs --speed 1 --strip --force --ext .png 256 "$out/$name.png"
    ! command -v optipng >/dev/null || optipng -quiet -o2 "$out/$name.png"
    echo "$name.png"
}

picture overview overview Qwen3.5-35B-A3B
picture roofline roofline OLMoE-1B-7B
theme=light picture dispatch dispatch Mixtral-8x7B
picture autotune autotune OLMoE-1B-7B
picture routing routing Qwen3-30B-A3B
first=timeline.samples picture timeline timeline OLMoE-1B-7B
theme=high-contrast picture memory memory Mixtral-8x7B
picture compare compare OLMoE-1B-7B-mma-sync OLMoE-1B-7B
frames=900 picture source source Qwen3.5-35B-A3B-sampled # until the worker has compiled it
picture session session OLMoE-1B-7B
run=15 picture sweep sweep OLMoE-1B-7B-sweeps # the model as it is, on the line and on the grid
run=15 picture crossover crossover OLMoE-1B-7B-sweeps
picture lessons lessons OLMoE-1B-7B
picture ranks ranks OLMoE-1B-7B-2-ranks
point=652,287 picture hover roofline OLMoE-1B-7B
first=run.hosts picture hosts overview OLMoE-1B-7B
first=help.palette picture palette overview OLMoE-1B-7B
theme=light first=help.tour picture tour overview OLMoE-1B-7B
