#!/usr/bin/env bash
# Draws the pictures of the README from the recorded sessions, on a virtual display:
#   assets/pictures/make.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
moescope=$(realpath "${1:-build/default}/app/moescope")
sessions=$PWD/assets/sessions out=$PWD/assets/pictures
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export HOME=$home XDG_CONFIG_HOME=$home XDG_DATA_HOME=$home MOESCOPE_ASSETS=$PWD/assets LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY

# picture NAME VIEW SESSION... [-- OPTION...]
picture() {
    local name=$1 view=$2 files=() options=()
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$sessions/$1.moescope"); shift; done
    [ $# -eq 0 ] || { shift; options=("$@"); }
    xvfb-run -a -s "-screen 0 1920x1200x24" "$moescope" "${files[@]}" --view "$view" --screenshot "$out/$name.png" \
        --size 1440x900 --scale 1 --theme dark --frames 60 "${options[@]}"
    echo "$name.png"
}

picture overview overview Qwen3.5-35B-A3B
picture roofline roofline OLMoE-1B-7B
picture dispatch dispatch Mixtral-8x7B -- --theme light
picture autotune autotune OLMoE-1B-7B
picture routing routing Qwen3-30B-A3B
picture timeline timeline OLMoE-1B-7B
picture memory memory Mixtral-8x7B
picture compare compare OLMoE-1B-7B-mma-sync OLMoE-1B-7B
picture source source OLMoE-1B-7B
picture session session OLMoE-1B-7B
