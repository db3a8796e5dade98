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
# Every step has its own time limit. Logs: $MOESCOPE_GPU_LOGS, or build/gpu-tests/logs. Exit status 0
# only if no step failed and at least one passed.
set -uo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=build/gpu-tests
logs=${MOESCOPE_GPU_LOGS:-$build/logs}
mkdir -p "$logs"
summary=()
passed=0
failed=0

record() { # NAME RESULT DETAIL
    summary+=("$(printf '%-12s %-8s %s' "$1" "$2" "$3")")
    case $2 in
    passed) passed=$((passed + 1)) ;;
    failed) failed=$((failed + 1)) ;;
    esac
}

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

# Catch2 leaves with 4 when every test skipped: on a machine without a GPU that is no success here.
tests_step() {
    "$build/tests/kernels/abi/abi_c_test" && "$build/tests/gpu_tests" --durations no
}

find_sanitizer() {
    local nvcc
    nvcc=$(command -v nvcc) || nvcc=/usr/local/cuda/bin/nvcc
    command -v compute-sanitizer || ls "$(dirname "$(readlink -f "$nvcc")")/compute-sanitizer" 2>/dev/null
}

# sanitize TOOL: over the small shapes, in several processes: a sanitizer keeps one core busy.
sanitize() {
    local tool=$1 sanitizer shards shard status=0 pids=()
    shards=$(($(nproc) > 16 ? 8 : ($(nproc) + 1) / 2))
    sanitizer=$(find_sanitizer) || { echo "compute-sanitizer is not installed"; return 77; }
    for ((shard = 0; shard < shards; shard++)); do
        "$sanitizer" --tool "$tool" --error-exitcode 99 --print-limit 50 "$build/tests/gpu_tests" '[small]' \
            --shard-count $shards --shard-index $shard >"$logs/$tool.$shard.log" 2>&1 &
        pids+=($!)
    done
    for shard in "${!pids[@]}"; do
        wait "${pids[$shard]}" || status=$?
        cat "$logs/$tool.$shard.log"
    done
    return "$status"
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
for name in "$@"; do
    run_step "$name" || [ "$name" != build ] || break # nothing to run without a build
done

printf '\n%-12s %-8s %s\n' step result detail
printf '%s\n' "${summary[@]}"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
