#!/usr/bin/env python3
"""Writes scatter2scatter.txt: expert linear layers with LoRA and bias, as PyTorch computes them.

    python3 make_scatter2scatter_vectors.py > scatter2scatter.txt

Each slot goes through torch.nn.functional.linear in float64, one expert at a time, the way a Hugging
Face MoE block loops over its experts; XA is rounded to the layer's dtype, as a low-precision LoRA
layer does, and the sum is rounded to the output's dtype once.
"""

import re
import sys

import torch
from torch.nn import functional as F

NAMES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
# name, T, E, k, K, N, R, dtype, y dtype, scaling, bias
CASES = [
    ("base_bf16", 5, 3, 2, 24, 16, 0, torch.bfloat16, torch.bfloat16, 1.0, False),
    ("base_f16_bias", 5, 4, 1, 16, 24, 0, torch.float16, torch.float16, 1.0, True),
    ("lora1_bf16", 4, 3, 2, 16, 16, 1, torch.bfloat16, torch.float32, 2.0, False),
    ("lora8_bf16", 4, 3, 2, 24, 16, 8, torch.bfloat16, torch.bfloat16, 0.5, True),
    ("lora17_f16", 3, 2, 2, 40, 16, 17, torch.float16, torch.float32, 0.25, True),
]
generator = torch.Generator().manual_seed(20240511)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_array(key, tensor):
    values = [hex_float(v) if tensor.is_floating_point() else int(v) for v in tensor.flatten()]
    print(key, f"[{len(values)}]", *values)


def random(dtype, *shape):
    return torch.randn(*shape, generator=generator).to(dtype)


def expert_output(x, w, a, b, bias, scaling, dtype):
    y = F.linear(x.double(), w.double(), None if bias is None else bias.double())
    if a.shape[0] > 0:
        xa = F.linear(x.double(), a.double()).to(dtype)
        y = y + scaling * F.linear(xa.double(), b.double())
    return y


def write_case(name, tokens, experts, top_k, k, n, rank, dtype, y_dtype, scaling, with_bias):
    x = random(dtype, tokens, k)
    w = random(dtype, experts, n, k)  # as torch.nn.Linear keeps it: [N, K], our transposed layout
    a, b = random(dtype, experts, rank, k), random(dtype, experts, n, rank)
    bias = random(dtype, experts, n) if with_bias else None
    ids = torch.stack([torch.randperm(experts, generator=generator)[:top_k] for _ in range(tokens)])
    y = torch.empty(tokens * top_k, n, dtype=y_dtype)
    for slot, expert in enumerate(ids.flatten().tolist()):
        row = expert_output(x[slot // top_k], w[expert], a[expert], b[expert],
                            None if bias is None else bias[expert], scaling, dtype)
        y[slot] = row.to(y_dtype)
    print("case", name)
    for key, value in dict(tokens=tokens, experts=experts, top_k=top_k, k=k, n=n, rank=rank).items():
        print(key, value)
    print("dtype", NAMES[dtype])
    print("y_dtype", NAMES[y_dtype])
    print("scaling", hex_float(scaling))
    for key, value in dict(ids=ids, x=x, w=w, a=a, b=b, bias=bias, y=y).items():
        if value is not None and value.numel() > 0:
            write_array(key, value)
    print("end")


def main():
    print(f"# Made by make_scatter2scatter_vectors.py with torch {torch.__version__}; seed 20240511.")
    for case in CASES:
        write_case(*case)


if __name__ == "__main__":
    sys.exit(main())
