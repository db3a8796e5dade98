#!/usr/bin/env python3
"""Writes routing_structures.txt: a NumPy model of the contracts that triton_kernels documents.

BitmatrixMetadata (tensor_details/bitmatrix.py), RaggedTensorMetadata (tensor_details/ragged_tensor.py)
and RoutingData with ExptData, GatherIndx and ScatterIndx (the older routing.py) of triton-lang/triton,
written from their documentation with sorts and sums of whole arrays, as the C++ is not. Ids of -1 and
of E and above stand for experts of other ranks. Bits are [ceil(E/32), T rounded up to 32] words.
"""

import pathlib

import numpy as np

random = np.random.default_rng(20261121)


def write_case(out, name, settings, arrays):
    out.write(f"case {name}\n")
    for key, value in settings.items():
        out.write(f"{key} {value}\n")
    for key, values in arrays.items():
        flat = np.asarray(values).ravel().tolist()
        words = [v.hex() if isinstance(v, float) else str(v) for v in flat]
        out.write(f"{key} [{len(words)}] {' '.join(words)}\n")
    out.write("end\n")


def padded(values, size):
    return np.concatenate([values, np.full(size - len(values), -1)]).astype(np.int64)


def sorted_orders(ids, experts):
    """col_sorted_indx, row_sorted_indx and col_sum."""
    flat = ids.ravel()
    present = np.flatnonzero((flat >= 0) & (flat < experts))
    col_sorted = present[np.argsort(flat[present], kind="stable")]
    row_sorted = np.full(flat.size, -1)
    row_sorted[col_sorted] = np.arange(col_sorted.size)
    return padded(col_sorted, flat.size), row_sorted, np.bincount(flat[present], minlength=experts)


def max_n_tiles(slices, rows, block):
    return rows if rows <= slices else slices - 1 - ((slices - rows - 1) // block)


def offsets(sizes):
    return np.concatenate([[0], np.cumsum(sizes)])


def ragged(sizes, rows, blocks):
    most = max_n_tiles(len(sizes), rows, min(blocks))
    offs, schedules = [], []
    for block in blocks:
        per_slice = -(-sizes // block)
        offs.append(offsets(per_slice))
        entries = [(b << 16) | s for s in range(len(sizes)) for b in range(per_slice[s])]
        schedules.append(padded(np.array(entries, dtype=np.int64), most))
    return np.stack(offs), np.stack(schedules)


def bit_words(ids, experts):
    tokens = ids.shape[0]
    dense = np.zeros((-(-tokens // 32) * 32, -(-experts // 32) * 32), dtype=np.uint64)
    for token, row in enumerate(ids):
        for expert in row:
            if 0 <= expert < experts:
                dense[token, expert] = 1
    weights = np.uint64(1) << np.arange(32, dtype=np.uint64)
    return (dense.reshape(dense.shape[0], -1, 32) * weights).sum(axis=2).T.astype(np.int64)


def case(out, name, experts, ids, sizes=4, first=16):
    ids = np.asarray(ids, dtype=np.int64)
    weights = (random.integers(1, 1 << 20, ids.size) / (1 << 20)).astype(np.float32)
    col_sorted, row_sorted, col_sum = sorted_orders(ids, experts)
    blocks = [first << i for i in range(sizes)]
    block_offs, schedule = ragged(col_sum, ids.size, blocks)
    gates = np.where(col_sorted >= 0, weights[col_sorted], np.float32(0))
    write_case(out, name,
               {"experts": experts, "tokens": ids.shape[0], "top_k": ids.shape[1], "first_block_rows": first,
                "block_sizes": sizes, "max_tiles": schedule.shape[1]},
               {"ids": ids, "weights": weights.astype(float), "bits": bit_words(ids, experts), "col_sum": col_sum,
                "col_offs": offsets(col_sum), "col_sorted_indx": col_sorted, "row_sorted_indx": row_sorted,
                "block_offs": block_offs, "block_schedule": schedule, "gate_scal": gates.astype(float)})


def random_ids(tokens, experts, top_k, hot=None):
    weights = np.ones(experts) if hot is None else hot
    rows = [random.choice(experts, top_k, replace=False, p=weights / weights.sum()) for _ in range(tokens)]
    return np.stack(rows)


with open(pathlib.Path(__file__).with_name("routing_structures.txt"), "w") as out:
    out.write(f"# Made by {pathlib.Path(__file__).name} with numpy {np.__version__}.\n")
    # The bit matrix of BitmatrixMetadata's documentation cannot be one of a fixed k; these can.
    case(out, "few_tokens", 7, random_ids(4, 7, 3))
    case(out, "one_token", 60, random_ids(1, 60, 4))
    case(out, "more_experts_than_slots", 256, random_ids(9, 256, 8))
    zipf = 1 / np.arange(1, 41) ** 1.5
    case(out, "skewed", 40, random_ids(100, 40, 4, zipf))
    case(out, "all_to_one", 5, np.full((70, 1), 3))
    holes = random_ids(50, 33, 4)
    holes[random.random(holes.shape) < 0.3] = -1
    holes[7, 2] = 33
    holes[8, 1] = 2**31 - 1
    case(out, "ids_of_other_ranks", 33, holes)
    case(out, "nobody_selects", 8, np.full((6, 2), -1))
    case(out, "five_block_sizes", 12, random_ids(300, 12, 2), sizes=5)
    case(out, "blocks_of_one_row", 6, random_ids(11, 6, 2), sizes=3, first=1)
