#!/usr/bin/env python3
"""Writes logprob.txt: entropies, log-probabilities and their gradients, as PyTorch computes them.

    python3 make_logprob_vectors.py > logprob.txt

Logits are rounded to their dtype and then widened to float64; torch.distributions.Categorical gives
the entropy, torch.nn.functional.log_softmax and torch.logsumexp the rest, autograd the gradients.
"""

import re
import sys

import torch
from torch.distributions import Categorical
from torch.nn import functional as F

NAMES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
# name, rows, vocab, selected, dtype, scale, spread of the logits, logits that are -infinity
CASES = [
    ("f32", 4, 37, 1, torch.float32, 1.0, 3.0, 0),
    ("bf16_several", 3, 64, 5, torch.bfloat16, 1.0, 4.0, 0),
    ("f16_temperature", 3, 50, 2, torch.float16, 1 / 0.7, 2.0, 0),
    ("f32_peaked", 3, 33, 3, torch.float32, 1.0, 60.0, 0),
    ("f32_shifted_by_10000", 3, 40, 2, torch.float32, 1.0, 3.0, 0),
    ("bf16_masked", 4, 48, 2, torch.bfloat16, 1.0, 3.0, 11),
    ("f32_one_token", 2, 1, 1, torch.float32, 1.0, 3.0, 0),
]
generator = torch.Generator().manual_seed(20261121)


def hex_float(value):
    if value != value or value in (float("inf"), float("-inf")):
        return str(float(value))
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_array(key, tensor):
    values = [hex_float(v) if tensor.is_floating_point() else int(v) for v in tensor.flatten()]
    print(key, f"[{len(values)}]", *values)


def entropy_of(row):
    """Of the tokens that are not masked: autograd makes NaN of the others."""
    return Categorical(logits=row[~torch.isinf(row)]).entropy()


def write_case(name, rows, vocab, selected, dtype, scale, spread, masked):
    logits = torch.randn(rows, vocab, generator=generator) * spread
    if "shifted" in name:
        logits += 10000
    for row in logits:
        row[torch.randperm(vocab, generator=generator)[:masked]] = -torch.inf
    logits = logits.to(dtype)
    indices = torch.randint(vocab, (rows, selected), generator=generator)
    if selected > 2:
        indices[:, 1] = indices[:, 0]  # duplicates add up
    scale = float(torch.tensor(scale, dtype=torch.float32))
    dentropy = torch.randn(rows, generator=generator)
    dlogps = torch.randn(rows, selected, generator=generator)

    x = logits.double().requires_grad_()
    entropy = torch.stack([entropy_of(row * scale) for row in x])
    entropy.backward(dentropy.double())
    entropy_gradient, x.grad = x.grad, None
    logps = F.log_softmax(x * scale, dim=-1).gather(-1, indices)
    # A masked token has log-probability -infinity; autograd is asked about the others.
    dlogps[torch.isinf(logps)] = 0
    logps.backward(dlogps.double())

    print("case", name)
    for key, value in dict(rows=rows, vocab=vocab, selected=selected).items():
        print(key, value)
    print("dtype", NAMES[dtype])
    print("scale", hex_float(scale))
    arrays = dict(
        logits=logits,
        indices=indices,
        dentropy=dentropy,
        dlogps=dlogps,
        entropy=entropy,
        logps=logps,
        lse=torch.logsumexp(x * scale, dim=-1),
        entropy_gradient=entropy_gradient,
        logps_gradient=x.grad,
    )
    for key, value in arrays.items():
        write_array(key, value.detach())
    print("end")


def main():
    print(f"# Made by make_logprob_vectors.py with torch {torch.__version__}; seed 20261121.")
    for case in CASES:
        write_case(*case)


if __name__ == "__main__":
    sys.exit(main())
