#!/usr/bin/env python3
"""Writes backward.txt: the gradients of expert linear layers with LoRA, as torch.autograd finds them.

    python3 make_backward_vectors.py > backward.txt

Each slot goes through torch.nn.functional.linear in float64; XA is rounded to the layer's dtype on the
way forward and its gradient on the way back, as a low-precision LoRA layer does. Nothing else is
rounded: dX is the sum over a token's slots, and all gradients are written in float32.
"""

import re
import sys

import torch
from torch.nn import functional as F

NAMES = {torch.float16: "f16", torch.bfloat16: "bf16"}
# name, T, E, k, K, N, R, dtype, scaling
CASES = [
    ("one_expert_bf16", 5, 1, 1, 16, 24, 8, torch.bfloat16, 2.0),
    ("top2_bf16", 6, 3, 2, 24, 16, 4, torch.bfloat16, 0.5),
    ("top2_f16", 5, 3, 2, 16, 24, 16, torch.float16, 1.0),
    ("empty_experts_f16", 3, 5, 1, 24, 8, 17, torch.float16, 0.25),
]
generator = torch.Generator().manual_seed(20261121)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_array(key, tensor):
    values = [hex_float(v) if tensor.is_floating_point() else int(v) for v in tensor.flatten().detach()]
    print(key, f"[{len(values)}]", *values)


def random(dtype, *shape):
    return torch.randn(*shape, generator=generator).to(dtype).double()


class RoundBothWays(torch.autograd.Function):
    """Rounds values on the way forward, and gradients on the way back."""

    @staticmethod
    def forward(context, value, dtype):
        context.dtype = dtype
        return value.to(dtype).double()

    @staticmethod
    def backward(context, gradient):
        return gradient.to(context.dtype).double(), None


def write_case(name, tokens, experts, top_k, k, n, rank, dtype, scaling):
    x = random(dtype, tokens, k).requires_grad_()
    w = random(dtype, experts, n, k)
    a = random(dtype, experts, rank, k).requires_grad_()
    b = random(dtype, experts, n, rank).requires_grad_()
    dy = random(dtype, tokens * top_k, n)
    ids = torch.stack([torch.randperm(experts, generator=generator)[:top_k] for _ in range(tokens)])
    loss = 0
    for slot, expert in enumerate(ids.flatten().tolist()):
        row = x[slot // top_k]
        xa = RoundBothWays.apply(F.linear(row, a[expert]), dtype)
        # Powers of two: that the gradient which is rounded here is scaling * YB makes no difference.
        y = F.linear(row, w[expert]) + scaling * F.linear(xa, b[expert])
        loss = loss + (y * dy[slot]).sum()
    loss.backward()
    print("case", name)
    for key, value in dict(tokens=tokens, experts=experts, top_k=top_k, k=k, n=n, rank=rank).items():
        print(key, value)
    print("dtype", NAMES[dtype])
    print("scaling", hex_float(scaling))
    arrays = dict(ids=ids, x=x, w=w, a=a, b=b, dy=dy, dx=x.grad.float(), da=a.grad.float(),
                  db=b.grad.float())
    for key, value in arrays.items():
        write_array(key, value)
    print("end")


def main():
    print(f"# Made by make_backward_vectors.py with torch {torch.__version__}; seed 20261121.")
    for case in CASES:
        write_case(*case)


if __name__ == "__main__":
    sys.exit(main())
