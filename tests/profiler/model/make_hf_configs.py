"""Writes hf_configs.json: the configuration that transformers writes for each family with experts.

Usage: python make_hf_configs.py   (transformers 5; the version goes into the file)
"""

import json
import pathlib

import transformers

FAMILIES = {
    "mixtral": {}, "olmoe": {}, "qwen2_moe": {}, "qwen3_moe": {}, "qwen3_next": {}, "qwen3_5_moe": {}, "gpt_oss": {},
    "deepseek_v2": {"n_group": 8, "topk_group": 3, "topk_method": "group_limited_greedy", "num_experts_per_tok": 6,
                    "moe_intermediate_size": 1536},
    "deepseek_v3": {}, "deepseek_v4": {}, "glm4_moe": {}, "glm4_moe_lite": {}, "glm_moe_dsa": {}, "minimax": {},
    "minimax_m2": {}, "mistral4": {}, "longcat_flash": {}, "ernie4_5_moe": {}, "phimoe": {}, "lfm2_moe": {},
    "llama4": {}, "mimo_v2_flash": {}, "kimi_k25": {}, "kimi_linear": {},
    "dots1": {"n_routed_experts": 128, "n_shared_experts": 2, "num_experts_per_tok": 6},
    "gemma4": {"text_config": {"enable_moe_block": True, "num_experts": 128, "top_k_experts": 8,
                               "moe_intermediate_size": 704, "hidden_size": 2816, "intermediate_size": 2112}},
    "nemotron_h": {"n_routed_experts": 512, "moe_latent_size": 1024, "moe_intermediate_size": 2688,
                   "moe_shared_expert_intermediate_size": 5376, "num_experts_per_tok": 22,
                   "routed_scaling_factor": 5.0},
    "hunyuan_v1_moe": {"num_experts": 64, "moe_topk": [8] * 32, "intermediate_size": 3072},
}

# What the parser reads; the rest (vision, attention, tokens) only makes the file long.
KEPT = ("expert", "moe", "hidden_size", "intermediate_size", "top", "group", "dense", "mlp_", "scoring", "norm_topk",
        "routed", "model_type", "text_config", "dtype", "sparse_step", "expert_bias", "interleave")


def kept(config):
    return {key: kept(value) if key == "text_config" else value
            for key, value in config.items() if any(part in key for part in KEPT)}


def main():
    configs = {}
    for family, settings in FAMILIES.items():
        config = transformers.AutoConfig.for_model(family, **settings)
        configs[family] = kept(json.loads(config.to_json_string(use_diff=False)))
    out = {"transformers": transformers.__version__, "configs": configs}
    path = pathlib.Path(__file__).with_name("hf_configs.json")
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
