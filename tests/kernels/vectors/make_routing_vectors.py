#!/usr/bin/env python3
"""Writes routing.txt: what Hugging Face's own routers and PyTorch select, and with which weights.

Run with the versions named in the file's first lines (torch, transformers); the C++ tests read the
result through vector_file.h. Logits of one token are distinct multiples of 1/64, so that no router
has a tie to break; where a router leaves its selection unsorted, it is sorted by descending choice.
"""

import importlib
import pathlib
import sys

import torch
import transformers
from torch.nn import functional as F

TOKENS = 4
generator = torch.Generator().manual_seed(20240607)


def distinct_logits(experts, spread=1024):
    rows = [torch.randperm(spread, generator=generator)[:experts] for _ in range(TOKENS)]
    return (torch.stack(rows).float() - spread // 2) / 64


def number(value):
    text = float(value).hex()
    if "p" not in text:
        return text  # inf, nan
    mantissa, exponent = text.split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent


def write_case(out, name, settings, arrays):
    out.write(f"case {name}\n")
    for key, value in settings.items():
        out.write(f"{key} {value}\n")
    for key, tensor in arrays.items():
        values = tensor.detach().flatten().tolist()
        words = map(str, values) if tensor.dtype in (torch.int32, torch.int64) else map(number, values)
        out.write(f"{key} [{len(values)}] {' '.join(words)}\n")
    out.write("end\n")


def build_router(model, class_name, **settings):
    """A router with these configuration values, its gate the identity: the hidden state is the logits."""
    module = importlib.import_module(f"transformers.models.{model}.modeling_{model}")
    config = type("RouterConfig", (), settings)()
    router = getattr(module, class_name)(config)
    with torch.no_grad():
        router.weight.copy_(torch.eye(*router.weight.shape))
    return router.eval()


def sorted_by(choice, weights, ids):
    order = choice.gather(1, ids).argsort(dim=1, descending=True)
    return weights.gather(1, order), ids.gather(1, order)


def softmax_case(out, name, model, class_name, experts, top_k, renorm, epsilon, scaling=1.0, **settings):
    logits = distinct_logits(experts)
    router = build_router(
        model, class_name, num_experts_per_tok=top_k, num_experts=experts, num_local_experts=experts,
        hidden_size=experts, routed_scaling_factor=scaling, **settings)
    with torch.no_grad():
        seen, weights, ids = router(logits)
    assert torch.equal(seen, logits)
    weights, ids = sorted_by(logits, weights, ids)
    write_case(
        out, name,
        dict(routing="softmax", tokens=TOKENS, experts=experts, top_k=top_k, renorm=renorm,
             epsilon=number(epsilon), scaling=number(scaling)),
        dict(logits=logits, weights=weights, ids=ids))


def write_sigmoid(out, name, logits, bias, weights, ids, **settings):
    choice = logits.sigmoid() + bias
    weights, ids = sorted_by(choice, weights, ids)
    write_case(
        out, name,
        dict(routing="sigmoid", tokens=TOKENS, experts=logits.shape[1], top_k=ids.shape[1], **settings),
        dict(logits=logits, bias=bias, weights=weights, ids=ids))


def sigmoid_case(out, name, model, class_name, experts, top_k, bias, renorm, epsilon, groups=1, kept=1, scaling=1.0,
                 bias_is_argument=False):
    logits = distinct_logits(experts, max(512, experts))
    router = build_router(
        model, class_name, num_experts_per_tok=top_k, num_local_experts=experts, hidden_size=experts, n_group=groups,
        topk_group=kept, norm_topk_prob=renorm != "none", routed_scaling_factor=scaling)
    with torch.no_grad():
        if bias_is_argument:
            _, weights, ids = router(logits, bias)
        else:
            router.e_score_correction_bias.copy_(bias)
            _, weights, ids = router(logits)
    write_sigmoid(
        out, name, logits, bias, weights, ids, renorm=renorm, epsilon=number(epsilon), scaling=number(scaling),
        groups=groups, groups_kept=kept, group_score="top2", masked_fill="infinity")


def group_max_case(out):
    """Groups by their largest choice, with PyTorch: no sigmoid router of transformers does this."""
    experts, top_k, groups, kept = 32, 4, 4, 2
    logits = distinct_logits(experts, 512)
    bias = torch.randn(experts, generator=generator) * 0.1
    choice = logits.sigmoid() + bias
    best = choice.view(TOKENS, groups, -1).max(dim=2).values.topk(kept, dim=1).indices
    allowed = torch.zeros(TOKENS, groups).scatter_(1, best, 1).repeat_interleave(experts // groups, dim=1).bool()
    ids = choice.masked_fill(~allowed, float("-inf")).topk(top_k, dim=1).indices
    write_sigmoid(
        out, "torch_group_max", logits, bias, logits.sigmoid().gather(1, ids), ids, renorm="none", epsilon="0x0p+0",
        scaling="0x1p+0", groups=groups, groups_kept=kept, group_score="max", masked_fill="infinity")


def masked_zero_case(out):
    """The older fill of 0.0: with a bias this negative every unmasked choice is below it. PyTorch."""
    experts, top_k, groups, kept = 32, 4, 4, 2
    logits = distinct_logits(experts, 512)
    bias = -1.5 - torch.rand(experts, generator=generator)
    bias[::8] = 0.75  # one expert a group stays above 0: the others of the selection are masked ones
    choice = logits.sigmoid() + bias
    best = choice.view(TOKENS, groups, -1).topk(2, dim=2).values.sum(dim=2).topk(kept, dim=1).indices
    allowed = torch.zeros(TOKENS, groups).scatter_(1, best, 1).repeat_interleave(experts // groups, dim=1).bool()
    # Stable, because the masked experts tie at 0: the lower expert first.
    filled = choice.masked_fill(~allowed, 0.0)
    ids = filled.sort(dim=1, descending=True, stable=True).indices[:, :top_k]
    write_case(
        out, "torch_masked_zero",
        dict(routing="sigmoid", tokens=TOKENS, experts=experts, top_k=top_k, renorm="none", epsilon="0x0p+0",
             scaling="0x1p+0", groups=groups, groups_kept=kept, group_score="top2", masked_fill="zero"),
        dict(logits=logits, bias=bias, weights=logits.sigmoid().gather(1, ids), ids=ids))


def write_topk(out, name, logits, weights, ids, choice, score, bias=None, renorm="none", epsilon=0.0, scaling=1.0, groups=1,
               kept=1, group_score="top2", masked_fill="infinity", rounded="f32"):
    weights, ids = sorted_by(choice, weights, ids)
    arrays = dict(logits=logits, weights=weights.float(), ids=ids)
    if bias is not None:
        arrays["bias"] = bias
    write_case(
        out, name,
        dict(routing="topk", score=score, tokens=TOKENS, experts=logits.shape[1], top_k=ids.shape[1], renorm=renorm,
             epsilon=number(epsilon), scaling=number(scaling), groups=groups, groups_kept=kept, group_score=group_score,
             masked_fill=masked_fill, biased=int(bias is not None), rounded=rounded),
        arrays)


def gpt_oss_case(out):
    """Top-k, then a softmax of the selected; the gate's own bias is part of the logits."""
    experts, top_k = 32, 4
    router = build_router("gpt_oss", "GptOssTopKRouter", num_experts_per_tok=top_k, num_local_experts=experts,
                          hidden_size=experts)
    with torch.no_grad():
        router.bias.copy_(torch.randn(experts, generator=generator))
        logits, weights, ids = router(distinct_logits(experts))
    write_topk(out, "gpt_oss", logits, weights, ids, logits, "topk_softmax")


def llama4_case(out, name, top_k):
    """The sigmoids of the largest logits; the router gives all experts' scores, 0 where not selected."""
    experts = 16
    module = importlib.import_module("transformers.models.llama4.modeling_llama4")
    config = type("RouterConfig", (), dict(hidden_size=experts, num_local_experts=experts, num_experts_per_tok=top_k))()
    router = module.Llama4Router(config)
    with torch.no_grad():
        router.weight.copy_(torch.eye(experts))
        scores, logits = router(distinct_logits(experts))
    ids = (scores > 0).nonzero()[:, 1].view(TOKENS, top_k)
    write_topk(out, name, logits, scores.gather(1, ids), ids, logits, "topk_sigmoid")


def deepseek_v4_case(out):
    experts, top_k = 64, 6
    bias = torch.randn(experts, generator=generator) * 0.2
    router = build_router("deepseek_v4", "DeepseekV4TopKRouter", num_experts_per_tok=top_k, num_local_experts=experts,
                          hidden_size=experts, scoring_func="sqrtsoftplus", routed_scaling_factor=1.5)
    with torch.no_grad():
        router.e_score_correction_bias.copy_(bias)
        logits, weights, ids = router(distinct_logits(experts))
        choice = F.softplus(logits).sqrt() + bias
    write_topk(out, "deepseek_v4", logits, weights, ids, choice, "sqrtsoftplus", bias, "add", 1e-20, 1.5)


def deepseek_v2_groups_case(out):
    experts, top_k, groups, kept = 80, 6, 8, 3
    router = build_router("deepseek_v2", "DeepseekV2TopkRouter", num_experts_per_tok=top_k, num_experts=experts,
                          hidden_size=experts, routed_scaling_factor=16.0, topk_method="group_limited_greedy",
                          n_group=groups, topk_group=kept)
    with torch.no_grad():
        logits, weights, ids = router(distinct_logits(experts))
    write_topk(out, "deepseek_v2", logits, weights, ids, logits, "softmax", scaling=16.0, groups=groups, kept=kept,
               group_score="max", masked_fill="zero")


def mistral4_case(out):
    """Groups by the sum of their two largest softmax scores."""
    experts, top_k, groups, kept = 64, 4, 4, 2
    router = build_router("mistral4", "Mistral4TopkRouter", num_experts_per_tok=top_k, num_experts=experts,
                          num_local_experts=experts, n_routed_experts=experts, hidden_size=experts,
                          routed_scaling_factor=1.0, norm_topk_prob=True, n_group=groups, topk_group=kept)
    with torch.no_grad():
        logits, weights, ids = router(distinct_logits(experts))
    write_topk(out, "mistral4", logits, weights, ids, logits, "softmax", renorm="add", epsilon=1e-20, groups=groups,
               kept=kept, masked_fill="zero")


def ernie_case(out, name, dtype):
    """A bias on the softmax; weights cast to the hidden states' dtype."""
    experts, top_k = 64, 6
    bias = torch.randn(experts, generator=generator) * 0.05
    router = build_router("ernie4_5_moe", "Ernie4_5_MoeTopKRouter", num_experts_per_tok=top_k, num_experts=experts,
                          hidden_size=experts, moe_norm_min=1e-12)
    rows = [torch.randperm(256, generator=generator)[:experts] - 128 for _ in range(TOKENS)]
    hidden = (torch.stack(rows).float() / 16).to(dtype)  # 8 bits: exact in bfloat16
    with torch.no_grad():
        router.moe_statics.e_score_correction_bias.copy_(bias)
        logits, weights, ids = router(hidden)
    write_topk(out, name, logits, weights, ids, torch.softmax(logits, dim=1) + bias, "softmax", bias, "clamp", 1e-12,
               rounded="bf16" if dtype == torch.bfloat16 else "f32")


def longcat_case(out):
    experts, top_k = 96, 12
    bias = torch.randn(experts, generator=generator) * 0.05
    router_class = importlib.import_module(
        "transformers.models.longcat_flash.modeling_longcat_flash").LongcatFlashTopkRouter
    config = type("RouterConfig", (), dict(num_experts_per_tok=top_k, num_local_experts=64, n_routed_experts=64,
                                           zero_expert_num=32, hidden_size=experts, routed_scaling_factor=6.0))()
    router = router_class(config)
    with torch.no_grad():
        router.classifier.weight.copy_(torch.eye(experts))
        router.e_score_correction_bias.copy_(bias)
        logits, weights, ids = router(distinct_logits(experts))
    write_topk(out, "longcat_flash", logits, weights, ids, torch.softmax(logits, dim=1) + bias, "softmax", bias,
               scaling=6.0)


def lfm2_case(out):
    experts, top_k = 32, 4
    bias = torch.randn(experts, generator=generator) * 0.1
    router = build_router("lfm2_moe", "Lfm2MoeTopKRouter", num_experts_per_tok=top_k, num_experts=experts,
                          norm_topk_prob=True, hidden_size=experts, routed_scaling_factor=1.0, use_expert_bias=True)
    with torch.no_grad():
        logits, weights, ids = router(distinct_logits(experts, 512), bias)
    write_topk(out, "lfm2_moe", logits, weights, ids, logits.sigmoid() + bias, "sigmoid", bias, "add", 1e-6)


def product_case(out, name, dtype, rank):
    """hidden * gate^T with a gate LoRA, as a layer and its adapter compute it, then Qwen's router."""
    experts, hidden_size, top_k, scaling = 16, 32, 4, 2.0

    def small(*shape):
        return (torch.randint(-64, 65, shape, generator=generator) / 64).to(dtype)

    hidden, gate = small(TOKENS, hidden_size), small(experts, hidden_size)
    arrays = dict(hidden=hidden.float(), gate=gate.float())
    logits = F.linear(hidden.float(), gate.float())
    if rank:
        lora_a, lora_b = small(rank, hidden_size), small(experts, rank)
        projected = F.linear(hidden.float(), lora_a.float()).to(dtype)
        logits = logits + scaling * F.linear(projected.float(), lora_b.float())
        arrays.update(lora_a=lora_a.float(), lora_b=lora_b.float())
    router = build_router(
        "qwen3_moe", "Qwen3MoeTopKRouter", num_experts_per_tok=top_k, num_experts=experts, hidden_size=experts,
        norm_topk_prob=True)
    with torch.no_grad():
        _, weights, ids = router(logits)
    arrays.update(logits=logits, weights=weights, ids=ids)
    write_case(
        out, name,
        dict(routing="product", dtype={torch.float16: "f16", torch.bfloat16: "bf16"}[dtype], tokens=TOKENS,
             experts=experts, hidden_size=hidden_size, rank=rank, lora_scaling=number(scaling), top_k=top_k),
        arrays)


def edge_case(out):
    """Rows of infinities, as torch.softmax and torch.topk take them where their result is a number."""
    inf = float("inf")
    logits = torch.tensor([[-inf, 1.0, -inf, 2.0], [3.0, -inf, 0.5, -0.5], [0.25, 88.0, -104.0, 90.0],
                           [1e30, -1e30, 5e29, 0.0]])
    weights, ids = torch.softmax(logits, dim=1).topk(2, dim=1)
    write_case(
        out, "torch_extremes",
        dict(routing="softmax", tokens=4, experts=4, top_k=2, renorm="none", epsilon="0x0p+0", scaling="0x1p+0"),
        dict(logits=logits, weights=weights, ids=ids))


def main():
    torch.manual_seed(1)
    path = pathlib.Path(__file__).with_name("routing.txt")
    with path.open("w", encoding="ascii") as out:
        out.write(f"# Made by {pathlib.Path(__file__).name}: torch {torch.__version__}, "
                  f"transformers {transformers.__version__}\n")
        softmax_case(out, "qwen3_moe", "qwen3_moe", "Qwen3MoeTopKRouter", 128, 8, "add", 0, norm_topk_prob=True)
        softmax_case(out, "qwen3_moe_plain", "qwen3_moe", "Qwen3MoeTopKRouter", 60, 4, "none", 0, norm_topk_prob=False)
        softmax_case(out, "olmoe", "olmoe", "OlmoeTopKRouter", 64, 8, "none", 0, norm_topk_prob=False)
        softmax_case(out, "mixtral", "mixtral", "MixtralTopKRouter", 8, 2, "add", 0)
        softmax_case(out, "deepseek_v2_lite", "deepseek_v2", "DeepseekV2TopkRouter", 64, 6, "none", 0, scaling=16.0,
                     topk_method="greedy", n_group=1, topk_group=1)
        softmax_case(out, "ernie4_5_moe", "ernie4_5_moe", "Ernie4_5_MoeTopKRouter", 64, 6, "clamp", 1e-12,
                     moe_norm_min=1e-12)
        edge_case(out)

        small_bias = torch.randn(256, generator=generator) * 0.1
        sigmoid_case(out, "deepseek_v3", "deepseek_v3", "DeepseekV3TopkRouter", 256, 8, small_bias, "add", 1e-20,
                     groups=8, kept=4, scaling=2.5)
        sigmoid_case(out, "deepseek_v3_negative_bias", "deepseek_v3", "DeepseekV3TopkRouter", 64, 8,
                     small_bias[:64] - 3.0, "add", 1e-20, groups=8, kept=2, scaling=2.5)
        sigmoid_case(out, "glm4_moe", "glm4_moe", "Glm4MoeTopkRouter", 160, 8, small_bias[:160], "add", 1e-20,
                     scaling=2.5)
        sigmoid_case(out, "glm4_moe_large_bias", "glm4_moe", "Glm4MoeTopkRouter", 64, 4,
                     12.0 + torch.arange(64).flip(0) / 64, "none", 0)
        sigmoid_case(out, "minimax_m2", "minimax_m2", "MiniMaxM2TopKRouter", 256, 8, small_bias, "add", 0,
                     bias_is_argument=True)
        group_max_case(out)
        masked_zero_case(out)

        softmax_case(out, "minimax", "minimax", "MiniMaxTopKRouter", 32, 2, "add", 0)
        gpt_oss_case(out)
        llama4_case(out, "llama4", 1)
        llama4_case(out, "llama4_top3", 3)
        deepseek_v4_case(out)
        deepseek_v2_groups_case(out)
        mistral4_case(out)
        ernie_case(out, "ernie4_5_moe_bias", torch.float32)
        ernie_case(out, "ernie4_5_moe_bias_bf16", torch.bfloat16)
        longcat_case(out)
        lfm2_case(out)
        sigmoid_case(out, "nemotron_h", "nemotron_h", "NemotronHTopkRouter", 128, 22, small_bias[:128], "add", 1e-20,
                     scaling=5.0)

        product_case(out, "qwen3_moe_product_bf16", torch.bfloat16, 0)
        product_case(out, "qwen3_moe_gate_lora_bf16", torch.bfloat16, 4)
        product_case(out, "qwen3_moe_gate_lora_f16", torch.float16, 4)
    print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
