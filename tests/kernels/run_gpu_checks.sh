#!/usr/bin/env bash
# Checks the kernels on this machine's GPU. Needs nvcc, CMake, Ninja, g++ and Catch2's source in
# .deps/src/catch2 (./test.sh on a machine with a network puts it there); no window libraries and no
# network. compute-sanitizer and PyTorch are used where they are; a step without its tool is skipped.
#
#     tests/kernels/run_gpu_checks.sh [STEP...]      all steps if none is named
#
#     build        the gpu-tests preset
#     tests        every GPU test, and the C interface
#     memcheck     compute-sanitizer over the small shapes (tests tagged [small]): addresses
#     racecheck    the same: hazards in shared memory
#     initcheck    the same: device memory read before it was written
#     synccheck    the same: barriers that not every thread reaches
#     determinism  tests tagged [determinism]: the same bits in 100 runs
#     ctypes       the library from Python, on PyTorch tensors
#
# Every step has its own time limit; the sanitizers run at the same time. Logs: $MOESCOPE_GPU_LOGS, or
# build/gpu-tests/logs, and there summary.md, which names the device and the kernels' sources that were
# checked. Exit status 0 only if no step failed and at least one passed.
set -uo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=build/gpu-tests
logs=${MOESCOPE_GPU_LOGS:-$build/logs}
mkdir -p "$logs"

record() { echo "| $1 | $2 | $3 |" >"$logs/$1.result"; } # NAME RESULT DETAIL

# step NAME SECONDS COMMAND...: runs the command into the step's log; 77 means it skipped itself.
step() {
    local name=$1 limit=$2 status start=$SECONDS
    shift 2
    echo "== $name: $*"
    timeout --kill-after=10 "$limit" "$@" >"$logs/$name.log" 2>&1
    status=$?
    local seconds=$((SECONDS - start))
    case $status in
    0) record "$name" passed "$seconds s; $(grep -v '^[=[:space:]]*$' "$logs/$name.log" | tail -n 1)" ;;
    77) record "$name" skipped "$(tail -n 1 "$logs/$name.log")" ;;
    124 | 137) record "$name" failed "not done after $limit s" ;;
    *) record "$name" failed "status $status after $seconds s" ;;
    esac
    [ "$status" = 0 ] || [ "$status" = 77 ] || tail -n 60 "$logs/$name.log"
    return "$status"
}

build_step() { cmake --preset gpu-tests && cmake --build --preset gpu-tests; }

# in_shards NAME COUNT COMMAND...: the test program in COUNT processes; what all of them counted comes last.
in_shards() {
    local name=$1 shards=$2 shard status=0 pids=()
    shift 2
    for ((shard = 0; shard < shards; shard++)); do
        "$@" --shard-count "$shards" --shard-index "$shard" >"$logs/$name.$shard.log" 2>&1 &
        pids+=($!)
    done
    for shard in "${!pids[@]}"; do
        wait "${pids[$shard]}" || status=$?
        cat "$logs/$name.$shard.log"
    done
    cat "$logs/$name".*.log | awk '
        /^All tests passed/ { assertions += substr($4, 2); cases += $7 }
        /^test cases:/ { cases += $3 } /^assertions:/ { assertions += $2 }
        /ERROR SUMMARY:/ { reports++; errors += $4 } /RACECHECK SUMMARY:/ { reports++; errors += $4 }
        END { printf "%d cases, %d assertions%s\n", cases, assertions, reports ? ", " errors " errors of the tool" : "" }'
    return "$status"
}

# Catch2 leaves with 4 when every test skipped: on a machine without a GPU that is no success here.
tests_step() {
    "$build/tests/kernels/abi/abi_c_test" && in_shards tests "$(nproc)" "$build/tests/gpu_tests" --durations no
}

find_sanitizer() {
    local nvcc
    nvcc=$(command -v nvcc) || nvcc=/usr/local/cuda/bin/nvcc
    command -v compute-sanitizer || ls "$(dirname "$(readlink -f "$nvcc")")/compute-sanitizer" 2>/dev/null
}

# sanitize TOOL: over the small shapes, in several processes: a sanitizer keeps one core busy.
sanitize() {
    local sanitizer
    sanitizer=$(find_sanitizer) || { echo "compute-sanitizer is not installed"; return 77; }
    in_shards "$1" $((($(nproc) + 3) / 4)) "$sanitizer" --tool "$1" --error-exitcode 99 --print-limit 50 \
        "$build/tests/gpu_tests" '[small]'
}

determinism_step() { "$build/tests/gpu_tests" --durations no '[determinism]'; }

ctypes_step() { python3 tests/kernels/abi/ctypes_example.py "$build/kernels/libmoescope_kernels.so"; }

run_step() {
    case $1 in
    build) step build 500 "$self" --inside build_step ;;
    tests) step tests 500 "$self" --inside tests_step ;;
    memcheck) step memcheck 400 "$self" --inside sanitize memcheck ;;
    racecheck) step racecheck 500 "$self" --inside sanitize racecheck ;;
    initcheck) step initcheck 400 "$self" --inside sanitize initcheck ;;
    synccheck) step synccheck 400 "$self" --inside sanitize synccheck ;;
    determinism) step determinism 300 "$self" --inside determinism_step ;;
    ctypes) step ctypes 120 "$self" --inside ctypes_step ;;
    *) echo "unknown step '$1'; the head of $0 lists them" >&2; exit 2 ;;
    esac
}

# `timeout` runs programs, not functions: a step is this script called once more.
if [ "${1:-}" = --inside ]; then
    shift
    "$@"
    exit
fi

[ $# -gt 0 ] || set -- build tests memcheck racecheck initcheck synccheck determinism ctypes
rm -f "$logs"/*.result
for name in "$@"; do
    case $name in
    *check) run_step "$name" & ;;
    *)
        wait
        run_step "$name" || [ "$name" != build ] || break # nothing to run without a build
        ;;
    esac
done
wait

{
    echo "# Checks of the kernels on a GPU"
    echo
    echo "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1), $(date -u '+%Y-%m-%d %H:%M') UTC;" \
        "\`kernels/\` of sha256 $(find kernels -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum | cut -c1-16)." \
        "Made by \`tests/kernels/run_gpu_checks.sh $*\`."
    echo
    echo "| step | result | detail |"
    echo "|---|---|---|"
    for name in "$@"; do cat "$logs/$name.result" 2>/dev/null; done
} | tee "$logs/summary.md"
! grep -q '| failed |' "$logs/summary.md" && grep -q '| passed |' "$logs/summary.md"
