/* The C interface as C sees it: the header compiles as plain C99, every function it declares is in
 * the library, and the layout of the structs is the one that version 1 promised. Needs no GPU. */
#include "moescope/kernels.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int holds, const char *what) {
    if (!holds) {
        printf("FAILED: %s\n", what);
        ++failures;
    }
}

#define EXPECT(condition) expect((condition), #condition)
#define EXPECT_SIZE(type, bytes) EXPECT(sizeof(type) == (bytes))
#define EXPECT_OFFSET(type, field, bytes) EXPECT(offsetof(type, field) == (bytes))

/* Every function of the header, by name: made from the header by the build. */
typedef void (*function)(void);
static const struct {
    const char *name;
    function address;
} functions[] = {
#define MS_FUNCTION(name) {#name, (function)name},
#include "abi_functions.inc"
#undef MS_FUNCTION
};

static void check_functions(void) {
    size_t i;
    for (i = 0; i < sizeof functions / sizeof functions[0]; ++i)
        expect(functions[i].address != NULL, functions[i].name);
    EXPECT(sizeof functions / sizeof functions[0] >= 17);
}

/* Callers compiled long ago, and callers in other languages, rely on these for ever. */
static void check_layout(void) {
    EXPECT_SIZE(ms_topk_args, 104);
    EXPECT_OFFSET(ms_topk_args, score, 44);
    EXPECT_OFFSET(ms_topk_args, bias, 48);
    EXPECT_OFFSET(ms_topk_args, weights_round, 84);
    EXPECT_OFFSET(ms_topk_args, ids, 96);
    EXPECT_SIZE(ms_softmax_topk_args, 72);
    EXPECT_OFFSET(ms_softmax_topk_args, logits, 8);
    EXPECT_OFFSET(ms_softmax_topk_args, top_k, 36);
    EXPECT_OFFSET(ms_softmax_topk_args, weights, 56);
    EXPECT_OFFSET(ms_softmax_topk_args, ids, 64);
    EXPECT_SIZE(ms_sigmoid_topk_args, 96);
    EXPECT_OFFSET(ms_sigmoid_topk_args, bias, 40);
    EXPECT_OFFSET(ms_sigmoid_topk_args, masked_fill, 60);
    EXPECT_OFFSET(ms_sigmoid_topk_args, ids, 88);
    EXPECT_SIZE(ms_router_args, 120);
    EXPECT_OFFSET(ms_router_args, hidden, 8);
    EXPECT_OFFSET(ms_router_args, scaling, 52);
    EXPECT_OFFSET(ms_router_args, logits, 72);
    EXPECT_OFFSET(ms_router_args, workspace_bytes, 104);
    EXPECT_OFFSET(ms_router_args, topk, 112);
    EXPECT_SIZE(ms_tile, 8);
    EXPECT_SIZE(ms_route_metadata_args, 88);
    EXPECT_OFFSET(ms_route_metadata_args, ids, 8);
    EXPECT_OFFSET(ms_route_metadata_args, block_rows, 56);
    EXPECT_OFFSET(ms_route_metadata_args, workspace_bytes, 80);
    EXPECT_SIZE(ms_tile_schedule_args, 40);
    EXPECT_OFFSET(ms_tile_schedule_args, offsets, 8);
    EXPECT_OFFSET(ms_tile_schedule_args, tiles, 32);
    EXPECT_SIZE(ms_tile_config, 24);
    EXPECT_SIZE(ms_tile_resources, 40);
    EXPECT_OFFSET(ms_tile_resources, compile_ms, 32);
    EXPECT_SIZE(ms_scatter2scatter_args, 224);
    EXPECT_OFFSET(ms_scatter2scatter_args, w_nf4, 216);
    EXPECT_OFFSET(ms_scatter2scatter_args, xa, 200);
    EXPECT_OFFSET(ms_scatter2scatter_args, w, 32);
    EXPECT_OFFSET(ms_scatter2scatter_args, scaling, 56);
    EXPECT_OFFSET(ms_scatter2scatter_args, y, 88);
    EXPECT_OFFSET(ms_scatter2scatter_args, slots, 128);
    EXPECT_OFFSET(ms_scatter2scatter_args, config, 152);
    EXPECT_OFFSET(ms_scatter2scatter_args, workspace_bytes, 184);
    EXPECT_SIZE(ms_expert_weights, 96);
    EXPECT_OFFSET(ms_expert_weights, values, 16);
    EXPECT_OFFSET(ms_expert_weights, code, 32);
    EXPECT_OFFSET(ms_expert_weights, nested_offset, 72);
    EXPECT_OFFSET(ms_expert_weights, exponents, 88);
    EXPECT_SIZE(ms_active_experts_args, 48);
    EXPECT_OFFSET(ms_active_experts_args, ids, 8);
    EXPECT_OFFSET(ms_active_experts_args, count, 40);
    EXPECT_SIZE(ms_selective_dequant_args, 168);
    EXPECT_OFFSET(ms_selective_dequant_args, weights, 8);
    EXPECT_OFFSET(ms_selective_dequant_args, ids, 104);
    EXPECT_OFFSET(ms_selective_dequant_args, capacity, 144);
    EXPECT_OFFSET(ms_selective_dequant_args, out, 152);
    EXPECT_OFFSET(ms_selective_dequant_args, scratch, 160);
    EXPECT_SIZE(ms_compact_experts_args, 48);
    EXPECT_OFFSET(ms_compact_experts_args, offsets, 8);
    EXPECT_OFFSET(ms_compact_experts_args, capacity, 40);
    EXPECT_SIZE(ms_select_experts_args, 64);
    EXPECT_OFFSET(ms_select_experts_args, row_bytes, 16);
    EXPECT_OFFSET(ms_select_experts_args, dst, 56);
    EXPECT_SIZE(ms_lora_grad_config, 16);
    EXPECT_SIZE(ms_lora_grad_args, 184);
    EXPECT_OFFSET(ms_lora_grad_args, x, 16);
    EXPECT_OFFSET(ms_lora_grad_args, scaling, 72);
    EXPECT_OFFSET(ms_lora_grad_args, slots, 80);
    EXPECT_OFFSET(ms_lora_grad_args, da, 136);
    EXPECT_OFFSET(ms_lora_grad_args, config, 152);
    EXPECT_OFFSET(ms_lora_grad_args, workspace_bytes, 176);
    EXPECT_SIZE(ms_combine_args, 80);
    EXPECT_OFFSET(ms_combine_args, y, 32);
    EXPECT_OFFSET(ms_combine_args, out_stride, 72);
    EXPECT_SIZE(ms_combine_backward_args, 104);
    EXPECT_OFFSET(ms_combine_backward_args, dout, 32);
    EXPECT_OFFSET(ms_combine_backward_args, dweights, 96);
    EXPECT_SIZE(ms_gated_activation_args, 88);
    EXPECT_OFFSET(ms_gated_activation_args, h, 40);
    EXPECT_OFFSET(ms_gated_activation_args, out_stride, 80);
    EXPECT_SIZE(ms_gated_activation_backward_args, 128);
    EXPECT_OFFSET(ms_gated_activation_backward_args, h, 40);
    EXPECT_OFFSET(ms_gated_activation_backward_args, out_stride, 120);
    EXPECT_SIZE(ms_logits, 80);
    EXPECT_OFFSET(ms_logits, sizes, 16);
    EXPECT_OFFSET(ms_logits, vocab_stride, 72);
    EXPECT_SIZE(ms_entropy_args, 128);
    EXPECT_OFFSET(ms_entropy_args, logits, 8);
    EXPECT_OFFSET(ms_entropy_args, entropy, 96);
    EXPECT_OFFSET(ms_entropy_args, workspace_bytes, 120);
    EXPECT_SIZE(ms_entropy_backward_args, 176);
    EXPECT_OFFSET(ms_entropy_backward_args, dentropy, 96);
    EXPECT_OFFSET(ms_entropy_backward_args, dlogits, 120);
    EXPECT_OFFSET(ms_entropy_backward_args, workspace, 160);
    EXPECT_SIZE(ms_selective_log_softmax_args, 144);
    EXPECT_OFFSET(ms_selective_log_softmax_args, selected, 104);
    EXPECT_OFFSET(ms_selective_log_softmax_args, lse, 120);
    EXPECT_SIZE(ms_selective_log_softmax_backward_args, 184);
    EXPECT_OFFSET(ms_selective_log_softmax_backward_args, dlogps, 112);
    EXPECT_OFFSET(ms_selective_log_softmax_backward_args, dlogits_vocab_stride, 160);
    EXPECT_SIZE(ms_logprob_stats_args, 152);
    EXPECT_OFFSET(ms_logprob_stats_args, logits, 8);
    EXPECT_OFFSET(ms_logprob_stats_args, logps, 120);
    EXPECT_SIZE(ms_moe_projection, 80);
    EXPECT_SIZE(ms_moe_mlp_args, 336);
    EXPECT_OFFSET(ms_moe_mlp_args, expand, 68);
    EXPECT_OFFSET(ms_moe_mlp_args, gate_up, 120);
    EXPECT_OFFSET(ms_moe_mlp_args, workspace_bytes, 328);
    EXPECT_SIZE(ms_moe_mlp_backward_args, 160);
    EXPECT_OFFSET(ms_moe_mlp_backward_args, dx, 40);
    EXPECT_OFFSET(ms_moe_mlp_backward_args, workspace_bytes, 152);
}

static void check_errors(void) {
    ms_softmax_topk_args args;
    memset(&args, 0, sizeof args);
    args.struct_size = sizeof args;
    args.logits_dtype = MS_F32;
    args.logits = &args;
    args.logits_stride = 4;
    args.tokens = 1;
    args.experts = 4;
    args.top_k = 5;
    args.weights = (float *)&args;
    args.ids = (int32_t *)&args;
    args.routed_scaling = 1.0f;
    EXPECT(ms_softmax_topk(&args, NULL) == MS_INVALID_ARGUMENT);
    EXPECT(strstr(ms_last_error(), "top_k is 5") != NULL);
    EXPECT(ms_softmax_topk(NULL, NULL) == MS_INVALID_ARGUMENT);
    EXPECT(ms_max_tiles(0, 8, 16) >= 0);
    EXPECT(ms_max_tiles(100, 8, 16) >= 13); /* 7 experts with 1 slot, one with 93 */
}

int main(void) {
    EXPECT(ms_abi_version() == MS_ABI_VERSION);
    EXPECT(ms_last_error() != NULL && ms_last_error()[0] == '\0');
    check_functions();
    check_layout();
    check_errors();
    printf("%d failure(s)\n", failures);
    return failures != 0;
}
