#!/usr/bin/env bash
# Times every kernel of the table on this machine's GPU, says how far each is from its floor, and
# writes the JSON and the Markdown table of it. Needs what tests/kernels/run_gpu_checks.sh needs.
#
#     tests/benchmarks/run.sh [--out FOLDER] [OPTION...]
#
# FOLDER (build/gpu-tests/benchmarks if none is named) gets benchmarks.json and benchmarks.md; the other
# options go to the program: --only TEXT for some rows, --seconds N to stop early. A cuBLAS on the
# machine is used as an oracle of the matrix rate; nothing else of it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=build/gpu-tests
out=$build/benchmarks
if [ "${1:-}" = --out ]; then
    out=$2
    shift 2
fi
mkdir -p "$out"
cmake --preset gpu-tests >/dev/null
cmake --build "$build" --target kernel_benchmarks | tail -n 3

# Where a cuBLAS may be: the toolkit's folder, and the wheels PyTorch brings.
toolkit=$(dirname "$(readlink -f "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)")")/../lib64
wheels=$(python3 -c 'import glob, site
print(":".join(f for s in site.getsitepackages() for f in glob.glob(s + "/nvidia/c*/lib")))' 2>/dev/null || true)
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$toolkit${wheels:+:$wheels}"

status=0
"$build/tests/benchmarks/kernel_benchmarks" --json "$out/benchmarks.json" "$@" || status=$?
if command -v python3 >/dev/null; then
    python3 tests/benchmarks/table.py "$out/benchmarks.json" >"$out/benchmarks.md"
fi
echo "written: $out/benchmarks.json, $out/benchmarks.md"
exit $status
