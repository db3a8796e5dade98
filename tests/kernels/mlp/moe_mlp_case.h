// One layer of experts on the host: routed, filled with small values, with room for what a call
// writes. Forward and backward.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace moescope::test {

struct MoeMlpShape {
    std::int32_t tokens = 40, experts = 6, top_k = 2, hidden = 64, intermediate = 48, rank = 0;
    ms_dtype dtype = MS_BF16;
    ms_s2s_variant variant = MS_S2S_EXTRA_K;
    ms_activation activation = MS_ACT_SILU;
    bool gated = true, interleaved = false, bias = false, sentinels = false, w_transposed = true;
    std::int32_t only_expert = -1;
    std::int32_t nf4_block = 0;
    bool expand = false;

    std::string name() const {
        return "T" + std::to_string(tokens) + " E" + std::to_string(experts) + " k" +
               std::to_string(top_k) + " H" + std::to_string(hidden) + " I" +
               std::to_string(intermediate) + " R" + std::to_string(rank) + " variant " +
               std::to_string(variant) + " act " + std::to_string(activation) +
               (gated ? "" : " plain") + (bias ? " bias" : "") + (sentinels ? " sentinels" : "") +
               (w_transposed ? " W^T" : "") + " NF4 " + std::to_string(nf4_block) +
               (expand ? " expanded" : "");
    }
    std::int64_t slots() const { return std::int64_t(tokens) * top_k; }
    std::int32_t h_columns() const { return gated ? 2 * intermediate : intermediate; }
    std::int64_t low_rank() const { return (rank + 7) / 8 * 8; }
};

using Halves = std::vector<std::uint16_t>;

// Host memory that begins at a multiple of 256 bytes.
class HostWorkspace {
  public:
    explicit HostWorkspace(std::size_t bytes) : storage_(bytes + 256), bytes_(bytes) {}
    void *data() {
        const auto at = reinterpret_cast<std::uintptr_t>(storage_.data());
        return storage_.data() + (256 - at % 256) % 256;
    }
    std::size_t bytes() const { return bytes_; }

  private:
    std::vector<std::uint8_t> storage_;
    std::size_t bytes_;
};

struct MoeMlpProjection {
    Halves w, a, b, bias;
    Nf4Array nf4;
    ms_expert_weights nf4_view{};
};

// What a forward and a backward call write.
struct MoeMlpResults {
    Halves h, act, y, out, xa_gate_up, xa_down;
    Halves dx, da_gate_up, db_gate_up, da_down, db_down;
    std::vector<float> dweights;

    explicit MoeMlpResults(const MoeMlpShape &s) {
        const auto rows = std::size_t(s.slots());
        const auto filled = [](std::size_t count) { return Halves(count, 0xC7C7); };
        h = filled(rows * std::size_t(s.h_columns()));
        act = filled(rows * std::size_t(s.intermediate));
        y = filled(rows * std::size_t(s.hidden));
        out = dx = filled(std::size_t(s.tokens) * std::size_t(s.hidden));
        xa_gate_up = xa_down = filled(rows * std::size_t(s.low_rank()));
        const auto matrix = std::size_t(s.experts) * std::size_t(s.rank);
        da_gate_up = filled(matrix * std::size_t(s.hidden));
        db_gate_up = filled(matrix * std::size_t(s.h_columns()));
        da_down = filled(matrix * std::size_t(s.intermediate));
        db_down = filled(matrix * std::size_t(s.hidden));
        dweights.assign(rows, -7);
    }
};

struct MoeMlpCase {
    MoeMlpShape shape;
    std::vector<std::int32_t> ids, sorted_slots, inverse, offsets;
    std::vector<float> weights;
    Halves x, dout;
    MoeMlpProjection gate_up, down;

    MoeMlpCase(const MoeMlpCase &) = delete; // views point into it
    MoeMlpCase &operator=(const MoeMlpCase &) = delete;
    explicit MoeMlpCase(const MoeMlpShape &s, std::uint64_t seed = 1) : shape(s), random_(seed) {
        choose_experts();
        sort();
        x = values(std::int64_t(s.tokens) * s.hidden, 1);
        dout = values(std::int64_t(s.tokens) * s.hidden, 1);
        std::uniform_real_distribution<float> weight(0.1f, 1);
        for (std::int64_t i = 0; i < s.slots(); ++i)
            weights.push_back(weight(random_));
        fill(gate_up, s.hidden, s.h_columns());
        fill(down, s.intermediate, s.hidden);
    }

    void sort() {
        sorted_slots.assign(ids.size(), -1);
        inverse.assign(ids.size(), -1);
        offsets.assign(1, 0);
        std::int32_t position = 0;
        for (std::int32_t e = 0; e < shape.experts; ++e) {
            for (std::size_t slot = 0; slot < ids.size(); ++slot)
                if (ids[slot] == e) {
                    inverse[slot] = position;
                    sorted_slots[std::size_t(position++)] = std::int32_t(slot);
                }
            offsets.push_back(position);
        }
    }

    // Host pointers; the workspace is the caller's.
    ms_moe_mlp_args forward(MoeMlpResults &results) const {
        ms_moe_mlp_args args{};
        args.struct_size = sizeof args;
        args.dtype = shape.dtype;
        args.variant = shape.variant;
        args.rank = shape.rank;
        args.scaling = 0.5f;
        args.tokens = shape.tokens;
        args.top_k = shape.top_k;
        args.experts = shape.experts;
        args.hidden = shape.hidden;
        args.intermediate = shape.intermediate;
        args.activation = shape.activation;
        args.gated = shape.gated;
        args.interleaved = shape.interleaved;
        args.alpha = 1.702f;
        args.limit = 7;
        args.expand = shape.expand;
        args.x = x.data();
        args.x_stride = args.out_stride = shape.hidden;
        args.weights = weights.data();
        args.sorted_slots = sorted_slots.data();
        args.inverse = inverse.data();
        args.offsets = offsets.data();
        args.gate_up = view(gate_up, results.xa_gate_up);
        args.down = view(down, results.xa_down);
        args.h = results.h.data();
        args.act = results.act.data();
        args.y = results.y.data();
        args.out = results.out.data();
        return args;
    }
    ms_moe_mlp_backward_args backward(const ms_moe_mlp_args &forward, MoeMlpResults &results) const {
        ms_moe_mlp_backward_args args{};
        args.struct_size = sizeof args;
        args.grad_dtype = shape.dtype;
        args.forward = &forward;
        args.variant = shape.variant == MS_S2S_SPLIT ? MS_S2S_SPLIT : MS_S2S_EXTRA_K;
        args.dout = dout.data();
        args.dout_stride = args.dx_stride = shape.hidden;
        args.dx = results.dx.data();
        args.dweights = results.dweights.data();
        args.da_gate_up = results.da_gate_up.data();
        args.db_gate_up = results.db_gate_up.data();
        args.da_down = results.da_down.data();
        args.db_down = results.db_down.data();
        return args;
    }

    Halves encode(const std::vector<float> &from) const {
        Halves bits(from.size());
        for (std::size_t i = 0; i < from.size(); ++i)
            store_from_float(bits.data(), shape.dtype, std::int64_t(i), from[i]);
        return bits;
    }
    std::vector<float> decode(const Halves &bits) const {
        std::vector<float> floats(bits.size());
        for (std::size_t i = 0; i < bits.size(); ++i)
            floats[i] = load_as_float(bits.data(), shape.dtype, std::int64_t(i));
        return floats;
    }

  private:
    void choose_experts() {
        std::vector<std::int32_t> experts(std::size_t(shape.experts));
        for (std::int32_t e = 0; e < shape.experts; ++e)
            experts[std::size_t(e)] = e;
        for (std::int32_t token = 0; token < shape.tokens; ++token) {
            std::shuffle(experts.begin(), experts.end(), random_);
            for (std::int32_t j = 0; j < shape.top_k; ++j)
                ids.push_back(shape.only_expert >= 0                  ? shape.only_expert
                              : shape.sentinels && random_() % 5 == 0 ? -1
                                                                      : experts[std::size_t(j)]);
        }
    }

    // Scales that keep every step's values near 1.
    void fill(MoeMlpProjection &to, std::int32_t k, std::int32_t n) {
        const std::int64_t e = shape.experts, r = shape.rank;
        const float scale = 1.7f / std::sqrt(float(k));
        if (shape.nf4_block) {
            std::uniform_real_distribution<float> value(-scale, scale);
            std::vector<float> dense(std::size_t(e * k * n));
            for (float &one : dense)
                one = value(random_);
            to.nf4 = quantize_nf4(dense.data(), std::int64_t(dense.size()), shape.nf4_block, 0);
            to.nf4_view = to.nf4.view(shape.experts, std::int64_t(k) * n);
        } else {
            to.w = values(e * k * n, scale);
        }
        to.a = values(e * r * k, scale);
        to.b = values(e * n * r, 1);
        to.bias = values(shape.bias ? e * n : 0, 0.5f);
    }

    Halves values(std::int64_t count, float scale) {
        std::uniform_real_distribution<float> value(-scale, scale);
        std::vector<float> floats(static_cast<std::size_t>(count));
        for (float &one : floats)
            one = value(random_);
        return encode(floats);
    }

    ms_moe_projection view(const MoeMlpProjection &from, Halves &xa) const {
        ms_moe_projection to{};
        to.w = from.w.data();
        to.w_transposed = shape.w_transposed;
        to.w_quantised = shape.nf4_block ? &from.nf4_view : nullptr;
        to.lora_a = from.a.data();
        to.lora_b = from.b.data();
        to.bias = from.bias.empty() ? nullptr : from.bias.data();
        to.xa = xa.data();
        return to;
    }

    std::mt19937_64 random_;
};

// Both references, with workspaces of their own.
inline ms_status run_reference(ms_moe_mlp_args args) {
    HostWorkspace workspace(reference::moe_mlp_workspace_bytes(&args));
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.bytes();
    return reference::moe_mlp(&args, nullptr);
}
inline ms_status run_reference(ms_moe_mlp_backward_args args) {
    HostWorkspace workspace(reference::moe_mlp_backward_workspace_bytes(&args));
    args.workspace = workspace.data();
    args.workspace_bytes = workspace.bytes();
    return reference::moe_mlp_backward(&args, nullptr);
}

} // namespace moescope::test
