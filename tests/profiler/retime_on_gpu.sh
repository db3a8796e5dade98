#!/bin/bash
# seconds: 40
# Times edited kernels against their originals on this machine's GPU, by `moescope source --edited --time`:
# a neutral edit gives an equal result and a time within noise, a wrong one is reported as wrong, one that
# does not compile is answered with its line, and none of them reaches the tuner's database. Also shows the
# ceilings, the L2's among them. Needs a Hopper GPU.
#
#     tests/profiler/retime_on_gpu.sh [FOLDER OF moescope AND moescope-worker]
set -u
programs=${1:-$(cd "$(dirname "$0")" && pwd)}
out=${OUT:-$(mktemp -d)}
export PATH=$programs:$PATH
moescope=$programs/moescope
failed=0
# OLMoE-1B-7B's experts, written out: no catalogue is needed.
kernel=(--experts 64 --hidden 2048 --intermediate 1024 --top-k 8 --tokens 2048 --rank 16 --dtype bf16
    --ops gate_up --variants base)

check() { # WHAT CONDITION...
    local what=$1
    shift
    if "$@"; then echo "ok      $what"; else
        echo "FAILED  $what"
        failed=1
    fi
}
# EXIT_CODE NAME: times $out/NAME.cu; everything it said goes to $out/NAME.txt
retime() {
    timeout 60 "$moescope" source "${kernel[@]}" --edited "$out/$2.cu" --time --max-seconds 0.4 --out "$out/$2.moescope" \
        >"$out/$2.txt" 2>&1
    local code=$?
    cat "$out/$2.txt"
    check "$2: exit code $1" test "$code" = "$1"
}

timeout 60 "$moescope" devices --measure
arch=$(timeout 60 "$moescope" devices --json | grep -o '"arch": *"sm_[0-9a-z]*"' | head -1 | grep -o 'sm_[0-9a-z]*')
timeout 60 "$moescope" source "${kernel[@]}" --arch "$arch" --out "$out/original.cu" || exit 1
lines=$(wc -l <"$out/original.cu")
database=$(find "${MOESCOPE_CACHE_DIR:-$HOME/.cache/moescope}" -name 'tuned*' -exec cat {} + 2>/dev/null | md5sum)

# The same kernel under other bytes.
{
    echo '// A line that changes nothing.'
    cat "$out/original.cu"
} >"$out/neutral.cu"
retime 0 neutral
check "neutral: its result equals the original's" grep -q 'Its result equals that of' "$out/neutral.txt"
check "neutral: it is as fast as the original" grep -Eq 'less than 3.0 % does not count' "$out/neutral.txt"

# One sum of each thread is off by one.
sed '0,/^ *if (p.bias)$/s//        sums[0][0] += 1.0f;\n&/' "$out/original.cu" >"$out/wrong.cu"
check "wrong: the text was changed" test "$(wc -l <"$out/wrong.cu")" -gt "$lines"
retime 1 wrong
check "wrong: its result is called wrong" grep -q 'Its result is wrong' "$out/wrong.txt"

# The multiprocessors wait a while in every block: slower, and right.
sed 's/^    const Shared shared(dynamic);$/&\n    for (const long long until = clock64() + 200000; clock64() < until;) {}/' "$out/original.cu" >"$out/slow.cu"
check "slow: the text was changed" test "$(wc -l <"$out/slow.cu")" -gt "$lines"
retime 0 slow
check "slow: it takes longer" grep -Eq 'B takes [0-9.]+(×| %)( the| more) time' "$out/slow.txt"

{
    cat "$out/original.cu"
    echo '__device__ int x = nope;'
} >"$out/broken.cu"
retime 1 broken
check "broken: its line is named" grep -q "jit.cu:$((lines + 1)):" "$out/broken.txt"
check "broken: nothing was run" test ! -e "$out/broken.moescope"

after=$(find "${MOESCOPE_CACHE_DIR:-$HOME/.cache/moescope}" -name 'tuned*' -exec cat {} + 2>/dev/null | md5sum)
check "the tuner's database is as it was" test "$database" = "$after"
check "the L2's rate was measured" grep -q 'from the L2 (measured' <(timeout 60 "$moescope" devices --measure)
exit $failed
