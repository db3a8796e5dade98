#!/usr/bin/env python3
"""Writes mlp.txt: the gated activations and their gradients, as PyTorch and transformers compute them.

    python3 make_mlp_vectors.py > mlp.txt

Values and gradients are float64 (torch.autograd); inputs are multiples of 1/64, exact in every
dtype. The clamped swish is the code of transformers' GptOssExperts itself.
"""

import re
import sys
from types import SimpleNamespace

import torch
import transformers
from transformers.activations import ACT2FN
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssExperts

ALPHA, LIMIT = 1.702, 7.0
generator = torch.Generator().manual_seed(20240512)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_array(key, tensor):
    values = [hex_float(v) if tensor.is_floating_point() else int(v) for v in tensor.flatten()]
    print(key, f"[{len(values)}]", *values)


def grid(*shape, scale):
    return (torch.randn(*shape, generator=generator) * scale * 64).round().double() / 64


def gpt_oss(h):
    return GptOssExperts._apply_gate(SimpleNamespace(alpha=ALPHA, limit=LIMIT), h)


def halves(act):
    def gated(h):
        gate, up = h.chunk(2, dim=-1)
        return act(gate) * up

    return gated


# name, kind (ms_activation), gated, interleaved, function of h
ACTIVATIONS = [
    ("silu", 0, 1, 0, halves(ACT2FN["silu"])),
    ("gelu", 1, 1, 0, halves(ACT2FN["gelu"])),
    ("gelu_tanh", 2, 1, 0, halves(ACT2FN["gelu_pytorch_tanh"])),
    ("gpt_oss", 3, 1, 1, gpt_oss),
    ("relu2", 4, 0, 0, ACT2FN["relu2"]),
    ("silu_plain", 0, 0, 0, ACT2FN["silu"]),
]


def write_activation(name, kind, gated, interleaved, act):
    rows, width = 6, 16
    h = grid(rows, width * (1 + gated), scale=4).requires_grad_()  # some beyond the clamps
    weights = grid(rows, scale=1).abs().requires_grad_()
    dout = grid(rows, width, scale=1)
    value = act(h)
    out = value * weights[:, None]
    dh, dweights = torch.autograd.grad(out, (h, weights), dout)
    print("case", "activation_" + name)
    for key, number in dict(kind=kind, gated=gated, interleaved=interleaved, rows=rows, width=width).items():
        print(key, number)
    print("alpha", hex_float(ALPHA))
    print("limit", hex_float(LIMIT))
    for key, tensor in dict(h=h, weights=weights, dout=dout, out=out, dh=dh, dweights=dweights).items():
        write_array(key, tensor.detach())
    print("end")


def main():
    print(f"# Made by make_mlp_vectors.py with torch {torch.__version__} and transformers "
          f"{transformers.__version__}; seed 20240512.")
    for case in ACTIVATIONS:
        write_activation(*case)


if __name__ == "__main__":
    sys.exit(main())
