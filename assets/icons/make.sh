#!/usr/bin/env bash
# Draws the PNG sizes of the icon from moescope.svg; needs rsvg-convert (Debian: librsvg2-bin).
set -euo pipefail
cd "$(dirname "$0")"
for size in 16 24 32 48 64 128 256 512; do
    rsvg-convert --width $size --height $size --output "moescope-$size.png" moescope.svg
done
