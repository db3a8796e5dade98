#!/usr/bin/env python3
"""Writes mlp.txt: the gated activations, whole layers of experts, and the gradients of both, as PyTorch
and transformers compute them.

    python3 make_mlp_vectors.py > mlp.txt

Values and gradients are float64 (torch.autograd); inputs are multiples of 1/64, exact in every
dtype. The clamped swish is the code of transformers' GptOssExperts itself, and the layers are the
expert modules of Mixtral, Qwen3-MoE and gpt-oss, with W + scaling * B A in place of their weights.
"""

import re
import sys
from types import SimpleNamespace

import torch
import transformers
from transformers.activations import ACT2FN
from transformers.models.gpt_oss.configuration_gpt_oss import GptOssConfig
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssExperts
from transformers.models.mixtral.configuration_mixtral import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralExperts
from transformers.models.qwen3_moe.configuration_qwen3_moe import Qwen3MoeConfig
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeExperts

ALPHA, LIMIT = 1.702, 7.0
generator = torch.Generator().manual_seed(20240512)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_array(key, tensor):
    values = [hex_float(v.float()) if tensor.is_floating_point() else int(v) for v in tensor.flatten()]
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


SIZES = dict(tokens=7, experts=3, top_k=2, hidden=16, intermediate=16)
SCALING = 0.5


def layer_module(name):
    common = dict(hidden_size=SIZES["hidden"], num_experts_per_tok=SIZES["top_k"])
    if name == "mixtral":
        config = MixtralConfig(num_local_experts=SIZES["experts"], intermediate_size=SIZES["intermediate"], **common)
        made = MixtralExperts
    elif name == "qwen3":
        config = Qwen3MoeConfig(num_experts=SIZES["experts"], moe_intermediate_size=SIZES["intermediate"], **common)
        made = Qwen3MoeExperts
    else:
        config = GptOssConfig(num_local_experts=SIZES["experts"], intermediate_size=SIZES["intermediate"], **common)
        config.swiglu_alpha, config.swiglu_limit = ALPHA, LIMIT
        made = GptOssExperts
    config._experts_implementation = "eager"
    return made(config)


def set_weight(module, name, value):
    del module._parameters[name]
    setattr(module, name, value)


def write_layer(name, model, rank):
    """Weights are [E, K, N] for gpt-oss, [E, N, K] for the others; LoRA is A [E, R, K], B [E, N, R]."""
    tokens, experts, hidden, inner = (SIZES[k] for k in ("tokens", "experts", "hidden", "intermediate"))
    transposed = model != "gpt_oss"
    module = layer_module(model)
    x = grid(tokens, hidden, scale=1).requires_grad_()
    ids = torch.stack([torch.randperm(experts, generator=generator)[: SIZES["top_k"]] for _ in range(tokens)])
    weights = grid(tokens, SIZES["top_k"], scale=0.5).abs().requires_grad_()
    arrays, leaves = dict(x=x, ids=ids, weights=weights), dict(dx=x, dweights=weights)
    for proj, k, n in (("gate_up", hidden, 2 * inner), ("down", inner, hidden)):
        w = grid(experts, n, k, scale=0.4)
        arrays[proj + "_w"] = w if transposed else w.transpose(1, 2).contiguous()
        if rank > 0:
            a = grid(experts, rank, k, scale=0.4).requires_grad_()
            b = grid(experts, n, rank, scale=0.4).requires_grad_()
            arrays[proj + "_a"], arrays[proj + "_b"] = a, b
            leaves["da_" + proj], leaves["db_" + proj] = a, b
            w = w + SCALING * b @ a
        set_weight(module, proj + "_proj", w if transposed else w.transpose(1, 2))
        if model == "gpt_oss":
            arrays[proj + "_bias"] = grid(experts, n, scale=0.5)
            set_weight(module, proj + "_proj_bias", arrays[proj + "_bias"])
    out = module(x, ids, weights)
    dout = grid(tokens, hidden, scale=0.5)
    arrays.update(out=out, dout=dout)
    arrays.update(zip(leaves, torch.autograd.grad(out, list(leaves.values()), dout)))
    print("case", "layer_" + name)
    for key, value in {**SIZES, "rank": rank, "w_transposed": int(transposed),
                       "activation": 3 if model == "gpt_oss" else 0,
                       "interleaved": int(model == "gpt_oss")}.items():
        print(key, value)
    for key, value in dict(alpha=ALPHA, limit=LIMIT, scaling=SCALING).items():
        print(key, hex_float(value))
    for key, tensor in arrays.items():
        write_array(key, tensor.detach())
    print("end")


LAYERS = [("mixtral", "mixtral", 0), ("qwen3_lora", "qwen3", 3),
          ("gpt_oss_lora", "gpt_oss", 4)]


def main():
    print(f"# Made by make_mlp_vectors.py with torch {torch.__version__} and transformers "
          f"{transformers.__version__}; seed 20240512.")
    for case in ACTIVATIONS:
        write_activation(*case)
    for case in LAYERS:
        write_layer(*case)


if __name__ == "__main__":
    sys.exit(main())
