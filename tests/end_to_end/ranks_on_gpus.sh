#!/usr/bin/env bash
# moescope ranks on a machine with several GPUs, a rank a GPU, by torchrun and by plain variables, and once more with a
# rank that is killed.
#   usage: ranks_on_gpus.sh FOLDER [RANKS]
# FOLDER holds moescope and moescope-worker (or bin/ with both) and assets/ (or share/moescope); RANKS: as many as there
# are GPUs. Sessions, traces, what each rank said, ranks.md and ranks.json go to $OUT (default: ./out). Exit status 1
# where a launch or one of ranks_table.py's checks failed.
#
# NCCL is libnccl.so.2 of LD_LIBRARY_PATH, or of PyTorch's wheels; so are CUPTI and NVRTC. The caches are new: the first launch of a model
# compiles its tiles. MOESCOPE and MOESCOPE_WORKER name programs elsewhere. MODELS, TOKENS and MORE (options of every
# launch) choose other workloads: MORE="--device cpu" tries the script itself where there is no GPU.
set -uo pipefail
folder=$(cd "$1" && pwd) here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD/out}
models=${MODELS:-OLMoE-1B-7B Qwen3.5-35B-A3B} token_counts=${TOKENS:-16384 2048}
seconds=${LAUNCH_SECONDS:-45}
mkdir -p "$out"
rm -f "$out/launches.tsv" "$out"/*.moescope "$out"/*.trace.json.gz

programs=$folder
[ ! -x "$folder/bin/moescope" ] || programs=$folder/bin
for assets in "$folder/share/moescope" "$folder/assets"; do
    [ ! -e "$assets/models.json" ] || export MOESCOPE_ASSETS=$assets
done
moescope=${MOESCOPE:-$programs/moescope}
export MOESCOPE_WORKER=${MOESCOPE_WORKER:-$programs/moescope-worker}
wheels=$(python3 - <<'END'
import glob, site, sysconfig
places = dict.fromkeys([*site.getsitepackages(), sysconfig.get_path("purelib")])
folders = [found for place in places for found in sorted(glob.glob(place + "/nvidia/*/lib"))]
print(":".join(sorted(folders, key=lambda folder: "/nccl/" not in folder)))
END
)
for libraries in "$folder" "$folder/lib" ${wheels//:/ }; do
    [ ! -d "$libraries" ] || LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries
done
export LD_LIBRARY_PATH
cache=$(mktemp -d)
export MOESCOPE_CACHE_DIR=$cache XDG_CACHE_HOME=$cache
trap 'rm -rf "$cache"' EXIT

ranks=${2:-$(nvidia-smi -L 2>/dev/null | grep -c '^GPU')}
[ "$ranks" -ge 2 ] || { echo "$ranks GPUs: two or more are needed"; exit 77; }
read -ra common <<<"--max-samples 30 --min-samples 15 --max-seconds 0.4 ${MORE:-}"
first=${wheels%%:*}
echo "$ranks ranks; NCCL in ${first:-LD_LIBRARY_PATH}"
timeout 10 nvidia-smi topo -m 2>/dev/null | head -n $((ranks + 1))

port=$((20000 + RANDOM % 4000 * 2))
# keep NAME LAUNCHER MODEL TOKENS EXIT SECONDS
keep() {
    local IFS=$'\t'
    echo "$*" >>"$out/launches.tsv"
    IFS=' '
    echo "== $1 ($2): exit $5 after $6 s"
    [ "$5" = 0 ] || tail -n 6 "$out/$1".*.txt
}

by_torchrun() { # NAME MODEL TOKENS
    local begin=$SECONDS
    port=$((port + 2))
    timeout -k 3 "$seconds" python3 -m torch.distributed.run --no-python --nproc-per-node "$ranks" --master-port $port \
        "$moescope" ranks --json --model "$2" --tokens "$3" --out "$out/$1.moescope" "${common[@]}" \
        >"$out/$1.json" 2>"$out/$1.ranks.txt"
    keep "$1" torchrun "$2" "$3" $? $((SECONDS - begin))
}

by_variables() { # NAME MODEL TOKENS
    local begin=$SECONDS rank pids=() status=0
    port=$((port + 2))
    for ((rank = 0; rank < ranks; rank++)); do
        RANK=$rank WORLD_SIZE=$ranks LOCAL_RANK=$rank LOCAL_WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
            timeout -k 3 "$seconds" "$moescope" ranks --json --model "$2" --tokens "$3" \
            --out "$out/$1.moescope" "${common[@]}" >"$out/$1.rank$rank.out" 2>"$out/$1.rank$rank.txt" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
    mv "$out/$1.rank0.out" "$out/$1.json"
    rm -f "$out/$1".rank*.out
    keep "$1" variables "$2" "$3" $status $((SECONDS - begin))
}

# The last rank is killed in the middle: the others end soon, name it and keep what was measured.
lose_one() { # NAME MODEL TOKENS
    local begin=$SECONDS rank pids=() status=0 lost=$((ranks - 1)) limit more
    read -ra more <<<"--min-samples 100000 --max-samples 100000 --max-seconds 1 ${MORE:-}"
    port=$((port + 2))
    for ((rank = 0; rank < ranks; rank++)); do
        limit=(timeout -k 3 "$seconds")
        [ $rank != $lost ] || limit=() # its process itself is killed
        RANK=$rank WORLD_SIZE=$ranks LOCAL_RANK=$rank LOCAL_WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
            "${limit[@]}" "$moescope" ranks --json --model "$2" --tokens "$3" --out "$out/$1.moescope" "${more[@]}" \
            >"$out/$1.rank$rank.out" 2>"$out/$1.rank$rank.txt" &
        pids+=($!)
    done
    until grep -q ep_combine "$out/$1.rank0.txt" || ! kill -0 "${pids[0]}" 2>/dev/null; do sleep 0.1; done
    kill -KILL "${pids[$lost]}"
    for ((rank = 0; rank < lost; rank++)); do
        wait "${pids[$rank]}"
        [ $? = 1 ] || status=1
    done
    wait "${pids[$lost]}" 2>/dev/null
    grep -q "rank $lost is gone" "$out/$1.rank0.txt" && [ -f "$out/$1.moescope" ] || status=1
    rm -f "$out/$1".rank*.out
    echo "== $1: $([ $status = 0 ] && echo "named and kept" || echo FAILED) after $((SECONDS - begin)) s"
    [ $status = 0 ] || tail -n 12 "$out/$1".*.txt
    return $status
}

# The same layer on one GPU, to compare with.
alone() { # MODEL TOKENS
    timeout -k 3 "$seconds" "$moescope" run --json --model "$1" --ops moe_mlp --variants base --tokens "$2" \
        --no-check "${common[@]}" --out "$out/$1-$2-alone.moescope" >"$out/$1-$2-alone.json" 2>"$out/$1-$2-alone.txt"
}

trace() { # NAME
    [ ! -f "$out/$1.moescope" ] ||
        timeout 30 "$moescope" export "$out/$1.moescope" --chrome-trace "$out/$1.trace.json.gz" >/dev/null 2>&1
}

torchrun=$(python3 -c 'import torch.distributed.run' 2>/dev/null && echo yes)
[ -n "$torchrun" ] || echo "no PyTorch: torchrun is left out"
for model in $models; do
    for tokens in $token_counts; do
        by_variables "$model-$tokens-variables" "$model" "$tokens"
        [ -z "$torchrun" ] || by_torchrun "$model-$tokens-torchrun" "$model" "$tokens"
        alone "$model" "$tokens" || echo "$model at $tokens tokens alone: failed; $(tail -n 1 "$out/$model-$tokens-alone.txt")"
    done
done
for session in "$out"/*-variables.moescope "$out"/*-torchrun.moescope; do
    [ ! -f "$session" ] || trace "$(basename "$session" .moescope)"
done
lose_one lost-rank "${models%% *}" "${token_counts##* }"
lost=$?
python3 "$here/ranks_table.py" "$out" "$ranks" && exit $lost
