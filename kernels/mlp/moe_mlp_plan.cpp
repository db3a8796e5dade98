#include "kernels/mlp/moe_mlp_plan.h"

#include "kernels/common/float_types.h"
#include "kernels/common/status.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#define MS_TRY_STEP(call)                                                                          \
    if (const ms_status tried = (call))                                                            \
    return tried

namespace moescope::moe_mlp {

namespace {

// Hands out a workspace piece by piece; without one, adds up, and every piece is a place that no one
// reads or writes: what the sizes depend on is whether there is one.
class Arena {
  public:
    explicit Arena(void *base = nullptr) : base_(static_cast<std::byte *>(base)) {}

    void *take(std::size_t bytes) {
        alignas(256) static std::byte nowhere[256];
        void *piece = base_ ? base_ + used_ : nowhere;
        used_ += (bytes + 255) / 256 * 256;
        return piece;
    }
    std::size_t used() const { return used_; }

  private:
    std::byte *base_;
    std::size_t used_ = 0;
};

ms_status check_workspace(const char *function, const void *workspace, std::size_t bytes,
                          std::size_t needed) {
    if (needed == 0 || (workspace && bytes >= needed &&
                        reinterpret_cast<std::uintptr_t>(workspace) % 256 == 0))
        return MS_OK;
    return fail(MS_INVALID_ARGUMENT,
                std::string(function) + ": workspace_bytes is " + std::to_string(bytes) +
                    "; it must be at least " + std::to_string(needed) +
                    ", and workspace aligned to 256 bytes");
}

std::int64_t slots_of(const ms_moe_mlp_args &args) { return args.tokens * args.top_k; }
std::int32_t h_columns(const ms_moe_mlp_args &args) {
    return args.gated ? 2 * args.intermediate : args.intermediate;
}
std::size_t rows_bytes(const ms_moe_mlp_args &args, std::int64_t columns) {
    return std::size_t(slots_of(args)) * std::size_t(columns) * std::size_t(size_of(args.dtype));
}
// XA or dY*B: rows of whole 16 bytes.
std::size_t low_rank_bytes(const ms_moe_mlp_args &args) {
    return rows_bytes(args, (args.rank + 7) / 8 * 8);
}

// One grouped product of the layer: its arguments, and where its schedule and workspace lie. Where
// its weights are expanded first: what fills them, and LoRA's and the bias's compact copies.
struct Product {
    ms_scatter2scatter_args args{};
    ms_selective_dequant_args weights{};
    std::vector<ms_select_experts_args> copies;

    Product(const ms_moe_mlp_args &layer, std::int32_t k, std::int32_t n) {
        args.struct_size = sizeof args;
        args.dtype = args.y_dtype = layer.dtype;
        args.k = k;
        args.n = n;
        args.x_stride = k;
        args.y_stride = n;
        args.rank = layer.rank;
        args.scaling = layer.scaling;
        args.sorted_slots = layer.sorted_slots;
        args.offsets = layer.offsets;
        args.slots = slots_of(layer);
        args.experts = layer.experts;
        args.top_k = layer.top_k;
        args.x_grouped = args.y_grouped = 1;
    }

    ms_status place(const Steps &steps, Arena &arena) {
        if (steps.default_config && args.config.block_m == 0)
            MS_TRY_STEP(steps.default_config(&args, &args.config));
        if (steps.default_config)
            args.tiles = static_cast<ms_tile *>(
                arena.take(std::size_t(ms_max_tiles(args.slots, args.experts, args.config.block_m)) *
                           sizeof(ms_tile)));
        args.workspace_bytes = scatter2scatter::workspace_bytes(args);
        args.workspace = arena.take(args.workspace_bytes);
        return MS_OK;
    }

    ms_status expand(const Steps &steps, ms_stream stream) const {
        if (weights.struct_size)
            MS_TRY_STEP(steps.selective_dequant(&weights, stream));
        for (const ms_select_experts_args &copy : copies)
            MS_TRY_STEP(steps.select_experts(&copy, stream));
        return MS_OK;
    }

    ms_status launch(const Steps &steps, ms_stream stream) const {
        MS_TRY_STEP(expand(steps, stream));
        if (args.tiles) {
            ms_tile_schedule_args schedule{};
            schedule.struct_size = sizeof schedule;
            schedule.experts = args.experts;
            schedule.offsets = args.offsets;
            schedule.slots = args.slots;
            schedule.block_rows = args.config.block_m;
            schedule.tiles = const_cast<ms_tile *>(args.tiles);
            MS_TRY_STEP(steps.tile_schedule(&schedule, stream));
        }
        return steps.scatter2scatter(&args, stream);
    }
};

Product forward_product(const ms_moe_mlp_args &layer, const ms_moe_projection &projection,
                        std::int32_t k, std::int32_t n) {
    Product product(layer, k, n);
    ms_scatter2scatter_args &args = product.args;
    args.variant = layer.variant;
    args.w = projection.w;
    args.w_transposed = projection.w_transposed;
    args.w_nf4 = projection.w_quantised;
    args.lora_a = projection.lora_a;
    args.lora_b = projection.lora_b;
    args.bias = projection.bias;
    args.xa = layer.rank > 0 ? projection.xa : nullptr;
    args.config = projection.config;
    return product;
}

// Of the experts with slots: the list, and one place for the expanded weights of the product that
// runs. A product whose weights are expanded sees these experts only.
class Expansion {
  public:
    explicit Expansion(const ms_moe_mlp_args &layer) : layer_(layer) {
        if (!layer.expand)
            return;
        if (layer.gate_up.w_quantised)
            numel_ = std::int64_t(layer.hidden) * h_columns(layer);
        if (layer.down.w_quantised)
            numel_ = std::max(numel_, std::int64_t(layer.hidden) * layer.intermediate);
    }

    void place(Arena &arena) {
        if (numel_ == 0)
            return;
        const auto experts = std::size_t(std::min<std::int64_t>(layer_.experts, slots_of(layer_)));
        list_.struct_size = sizeof list_;
        list_.experts = layer_.experts;
        list_.offsets = layer_.offsets;
        list_.active = static_cast<std::int32_t *>(arena.take(experts * sizeof(std::int32_t)));
        list_.count = static_cast<std::int32_t *>(arena.take(sizeof(std::int32_t)));
        list_.compact_offsets = static_cast<std::int32_t *>(arena.take((experts + 1) * sizeof(std::int32_t)));
        list_.capacity = std::int32_t(experts);
        weights_ = arena.take(experts * bytes(numel_));
    }

    void place(Product &product, const ms_moe_projection &projection, Arena &arena) const {
        if (numel_ == 0 || !projection.w_quantised)
            return;
        ms_scatter2scatter_args &args = product.args;
        product.weights.struct_size = sizeof product.weights;
        product.weights.out_dtype = layer_.dtype;
        product.weights.weights = *projection.w_quantised;
        product.weights.active = list_.active;
        product.weights.count = list_.count;
        product.weights.capacity = list_.capacity;
        product.weights.out = weights_;
        args.w = weights_;
        args.w_nf4 = nullptr;
        args.experts = list_.capacity;
        args.offsets = list_.compact_offsets;
        compact(args.lora_a, std::int64_t(args.rank) * args.k, product, arena);
        compact(args.lora_b, std::int64_t(args.rank) * args.n, product, arena);
        compact(args.bias, args.n, product, arena);
    }

    ms_status launch(const Steps &steps, ms_stream stream) const {
        return numel_ > 0 ? steps.compact_experts(&list_, stream) : MS_OK;
    }

  private:
    std::size_t bytes(std::int64_t elements) const {
        return std::size_t(elements) * std::size_t(size_of(layer_.dtype));
    }

    void compact(const void *&rows, std::int64_t numel, Product &product, Arena &arena) const {
        if (!rows || numel == 0)
            return;
        ms_select_experts_args copy{};
        copy.struct_size = sizeof copy;
        copy.src = rows;
        copy.row_bytes = std::int64_t(bytes(numel));
        copy.experts = layer_.experts;
        copy.active = list_.active;
        copy.count = list_.count;
        copy.capacity = list_.capacity;
        copy.dst = arena.take(std::size_t(list_.capacity) * bytes(numel));
        rows = copy.dst;
        product.copies.push_back(copy);
    }

    const ms_moe_mlp_args &layer_;
    std::int64_t numel_ = 0; // of one expert of the larger product
    ms_compact_experts_args list_{};
    void *weights_ = nullptr;
};

struct Forward {
    const ms_moe_mlp_args &layer;
    Expansion expansion;
    Product gate_up, down;

    explicit Forward(const ms_moe_mlp_args &args)
        : layer(args), expansion(args),
          gate_up(forward_product(args, args.gate_up, args.hidden, h_columns(args))),
          down(forward_product(args, args.down, args.intermediate, args.hidden)) {
        gate_up.args.x = args.x;
        gate_up.args.x_stride = args.x_stride;
        gate_up.args.x_grouped = 0;
        gate_up.args.y = args.h;
        down.args.x = args.act;
        down.args.y = args.y;
    }

    ms_status place(const Steps &steps, Arena &arena) {
        expansion.place(arena);
        expansion.place(gate_up, layer.gate_up, arena);
        expansion.place(down, layer.down, arena);
        MS_TRY_STEP(gate_up.place(steps, arena));
        return down.place(steps, arena);
    }
};

template <class Args> void set_activation(Args &args, const ms_moe_mlp_args &layer) {
    args.struct_size = sizeof args;
    args.dtype = layer.dtype;
    args.kind = layer.activation;
    args.gated = layer.gated;
    args.interleaved = layer.interleaved;
    args.alpha = layer.alpha;
    args.limit = layer.limit;
    args.width = layer.intermediate;
    args.rows = slots_of(layer);
    args.h = layer.h;
    args.h_stride = h_columns(layer);
    args.slots = layer.sorted_slots;
}

ms_gated_activation_args activation(const ms_moe_mlp_args &layer) {
    ms_gated_activation_args args{};
    set_activation(args, layer);
    args.out = layer.act;
    args.out_stride = layer.intermediate;
    return args;
}

ms_combine_args combination(const ms_moe_mlp_args &layer, const void *rows, const float *weights,
                            void *out, std::int64_t out_stride) {
    ms_combine_args args{};
    args.struct_size = sizeof args;
    args.dtype = args.out_dtype = layer.dtype;
    args.top_k = layer.top_k;
    args.tokens = layer.tokens;
    args.width = layer.hidden;
    args.y_grouped = 1;
    args.y = rows;
    args.y_stride = layer.hidden;
    args.weights = weights;
    args.inverse = layer.inverse;
    args.out = out;
    args.out_stride = out_stride;
    return args;
}

// dX = dY*W^T + scaling * (dY*B)*A of a projection K -> N.
Product dx_product(const ms_moe_mlp_args &layer, const ms_moe_projection &projection,
                   std::int32_t k, std::int32_t n, ms_s2s_variant variant) {
    Product product(layer, n, k);
    ms_scatter2scatter_args &args = product.args;
    args.variant = layer.rank > 0 ? variant : MS_S2S_FUSED;
    args.w = projection.w;
    args.w_transposed = !projection.w_transposed;
    args.lora_a = projection.lora_b;
    args.lora_b = projection.lora_a;
    args.lora_a_transposed = args.lora_b_transposed = 1;
    return product;
}

struct Backward {
    const ms_moe_mlp_backward_args &args;
    const ms_moe_mlp_args &layer;
    Expansion expansion;
    Product gate_up, down;
    ms_lora_grad_args gate_up_grad{}, down_grad{};
    void *dy = nullptr;   // [S, H]; later the rows of dX before their sum
    void *dact = nullptr; // [S, I]
    void *dh = nullptr;   // [S, 2I]

    Backward(const ms_moe_mlp_backward_args &a, const ms_moe_mlp_args &forward)
        : args(a), layer(forward), expansion(forward),
          gate_up(dx_product(forward, forward.gate_up, forward.hidden, h_columns(forward),
                             a.variant)),
          down(dx_product(forward, forward.down, forward.intermediate, forward.hidden, a.variant)) {
        gate_up.args.config = a.gate_up_config;
        down.args.config = a.down_config;
    }

    ms_status place(const Steps &steps, Arena &arena) {
        dy = arena.take(rows_bytes(layer, layer.hidden));
        dact = arena.take(rows_bytes(layer, layer.intermediate));
        dh = arena.take(rows_bytes(layer, h_columns(layer)));
        down.args.x = dy;
        down.args.y = dact;
        gate_up.args.x = dh;
        gate_up.args.y = dy;
        if (layer.rank > 0) {
            void *yb_down = arena.take(low_rank_bytes(layer));
            void *yb_gate_up = arena.take(low_rank_bytes(layer));
            down.args.xa = yb_down;
            gate_up.args.xa = yb_gate_up;
            set_grad(down_grad, layer.down, down.args.n, down.args.k, yb_down);
            set_grad(gate_up_grad, layer.gate_up, gate_up.args.n, gate_up.args.k, yb_gate_up);
            down_grad.x = layer.act;
            down_grad.x_stride = layer.intermediate;
            down_grad.x_grouped = 1;
            down_grad.dy = dy;
            down_grad.da = args.da_down;
            down_grad.db = args.db_down;
            gate_up_grad.x = layer.x;
            gate_up_grad.x_stride = layer.x_stride;
            gate_up_grad.dy = dh;
            gate_up_grad.da = args.da_gate_up;
            gate_up_grad.db = args.db_gate_up;
            for (ms_lora_grad_args *grad : {&down_grad, &gate_up_grad})
                if (steps.lora_grad_workspace_bytes) {
                    grad->workspace_bytes = steps.lora_grad_workspace_bytes(grad);
                    grad->workspace = arena.take(grad->workspace_bytes);
                }
        }
        expansion.place(arena);
        expansion.place(down, layer.down, arena);
        expansion.place(gate_up, layer.gate_up, arena);
        MS_TRY_STEP(down.place(steps, arena));
        return gate_up.place(steps, arena);
    }

    void set_grad(ms_lora_grad_args &grad, const ms_moe_projection &projection, std::int32_t k,
                  std::int32_t n, const void *yb) const {
        grad.struct_size = sizeof grad;
        grad.dtype = layer.dtype;
        grad.out_dtype = args.grad_dtype;
        grad.variant = MS_LORA_GRAD_GRAM;
        grad.k = k;
        grad.n = n;
        grad.dy_stride = n;
        grad.dy_grouped = 1;
        grad.rank = layer.rank;
        grad.experts = layer.experts;
        grad.scaling = layer.scaling;
        grad.top_k = layer.top_k;
        grad.slots = slots_of(layer);
        grad.sorted_slots = layer.sorted_slots;
        grad.offsets = layer.offsets;
        grad.xa = projection.xa;
        grad.yb = yb;
        grad.lora_a = projection.lora_a;
        grad.lora_b = projection.lora_b;
    }

    ms_combine_backward_args spread() const {
        ms_combine_backward_args spread{};
        spread.struct_size = sizeof spread;
        spread.dtype = spread.dout_dtype = layer.dtype;
        spread.top_k = layer.top_k;
        spread.tokens = layer.tokens;
        spread.width = layer.hidden;
        spread.y_grouped = 1;
        spread.dout = args.dout;
        spread.dout_stride = args.dout_stride;
        spread.y = layer.y;
        spread.y_stride = spread.dy_stride = layer.hidden;
        spread.weights = layer.weights;
        spread.inverse = layer.inverse;
        spread.dy = dy;
        spread.dweights = args.dweights;
        return spread;
    }

    ms_gated_activation_backward_args activation_gradient() const {
        ms_gated_activation_backward_args gradient{};
        set_activation(gradient, layer);
        gradient.dout = dact;
        gradient.dout_stride = layer.intermediate;
        gradient.dh = dh;
        gradient.dh_stride = h_columns(layer);
        return gradient;
    }

    ms_status launch(const Steps &steps, ms_stream stream) const {
        MS_TRY_STEP(expansion.launch(steps, stream));
        const ms_combine_backward_args first = spread();
        MS_TRY_STEP(steps.combine_backward(&first, stream));
        MS_TRY_STEP(down.launch(steps, stream));
        if (layer.rank > 0)
            MS_TRY_STEP(steps.lora_grad(&down_grad, stream));
        const ms_gated_activation_backward_args act = activation_gradient();
        MS_TRY_STEP(steps.gated_activation_backward(&act, stream));
        MS_TRY_STEP(gate_up.launch(steps, stream)); // dy is not wanted any more
        if (layer.rank > 0)
            MS_TRY_STEP(steps.lora_grad(&gate_up_grad, stream));
        const ms_combine_args sum = combination(layer, dy, nullptr, args.dx, args.dx_stride);
        return steps.combine(&sum, stream);
    }
};

} // namespace

size_t workspace_bytes(const ms_moe_mlp_args &args, const Steps &steps) {
    Arena arena;
    return Forward(args).place(steps, arena) == MS_OK ? arena.used() : 0;
}

ms_status run(const ms_moe_mlp_args &args, const Steps &steps, ms_stream stream) {
    if (args.tokens == 0)
        return succeed();
    MS_TRY_STEP(check_workspace("ms_moe_mlp", args.workspace, args.workspace_bytes,
                                workspace_bytes(args, steps)));
    Forward forward(args);
    Arena arena(args.workspace);
    MS_TRY_STEP(forward.place(steps, arena));
    MS_TRY_STEP(forward.expansion.launch(steps, stream));
    MS_TRY_STEP(forward.gate_up.launch(steps, stream));
    const ms_gated_activation_args act = activation(args);
    MS_TRY_STEP(steps.gated_activation(&act, stream));
    MS_TRY_STEP(forward.down.launch(steps, stream));
    const ms_combine_args sum = combination(args, args.y, args.weights, args.out, args.out_stride);
    return steps.combine(&sum, stream);
}

std::array<ms_scatter2scatter_args, 2> products(const ms_moe_mlp_args &args) {
    Forward forward(args);
    Arena arena;
    forward.expansion.place(arena); // expanded weights are other weights, of fewer experts
    forward.expansion.place(forward.gate_up, args.gate_up, arena);
    forward.expansion.place(forward.down, args.down, arena);
    return {forward.gate_up.args, forward.down.args};
}

size_t workspace_bytes(const ms_moe_mlp_backward_args &args, const ms_moe_mlp_args &forward,
                       const Steps &steps) {
    Arena arena;
    return Backward(args, forward).place(steps, arena) == MS_OK ? arena.used() : 0;
}

ms_status run(const ms_moe_mlp_backward_args &args, const ms_moe_mlp_args &forward,
              const Steps &steps, ms_stream stream) {
    MS_TRY_STEP(check_workspace("ms_moe_mlp_backward", args.workspace, args.workspace_bytes,
                                workspace_bytes(args, forward, steps)));
    Backward backward(args, forward);
    Arena arena(args.workspace);
    MS_TRY_STEP(backward.place(steps, arena));
    return backward.launch(steps, stream);
}

size_t workspace_bytes(const ms_moe_mlp_args *args, const Steps &steps) {
    return args && args->struct_size == sizeof *args ? workspace_bytes(*args, steps) : 0;
}

size_t workspace_bytes(const ms_moe_mlp_backward_args *args, const Steps &steps) {
    const bool usable = args && args->struct_size == sizeof *args && args->forward &&
                        args->forward->struct_size == sizeof *args->forward;
    return usable ? workspace_bytes(*args, *args->forward, steps) : 0;
}

} // namespace moescope::moe_mlp
