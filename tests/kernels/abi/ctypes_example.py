#!/usr/bin/env python3
"""Calls libmoescope_kernels.so from Python, on PyTorch's CUDA tensors, and checks what comes back.

    ctypes_example.py path/to/libmoescope_kernels.so

Each struct below is the one of kernels/include/moescope/kernels.h, field by field. Prints one line
a check; exits 1 if one fails, and 77 where there is no PyTorch or no GPU.
"""

import ctypes as c
import sys

try:
    import torch
except ImportError:
    print("skipped: this needs PyTorch")
    sys.exit(77)
if not torch.cuda.is_available():
    print("skipped: this needs a CUDA device that PyTorch can use")
    sys.exit(77)

F32, F16, BF16 = 0, 1, 2
WEIGHTS_NF4, WEIGHTS_FP8_ROW = 0, 3
INVALID_ARGUMENT = 1
RENORM_ADD = 1
LORA_GRAD_RECOMPUTE = 1
S2S_VARIANTS = {"fused": 0, "split": 1, "extra-K": 2}


class Args(c.Structure):
    """An args struct: fills in its own size, and takes tensors where the library wants pointers."""

    def __init__(self, **fields):
        self.keep_alive = fields  # tensors must outlive the call
        values = {k: v.data_ptr() if isinstance(v, torch.Tensor) else v for k, v in fields.items()}
        super().__init__(**values)
        if hasattr(self, "struct_size"):
            self.struct_size = c.sizeof(self)


class SoftmaxTopk(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("logits_dtype", c.c_int32), ("logits", c.c_void_p),
        ("logits_stride", c.c_int64), ("tokens", c.c_int64), ("experts", c.c_int32), ("top_k", c.c_int32),
        ("variant", c.c_int32), ("renorm", c.c_int32), ("renorm_epsilon", c.c_float),
        ("routed_scaling", c.c_float), ("weights", c.c_void_p), ("ids", c.c_void_p),
    ]


class RouteMetadata(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("experts", c.c_int32), ("ids", c.c_void_p), ("slots", c.c_int64),
        ("counts", c.c_void_p), ("offsets", c.c_void_p), ("sorted_slots", c.c_void_p),
        ("inverse", c.c_void_p), ("block_rows", c.c_int32), ("tiles", c.c_void_p),
        ("workspace", c.c_void_p), ("workspace_bytes", c.c_size_t),
    ]


class TileConfig(c.Structure):
    _fields_ = [(name, c.c_int32) for name in ("block_m", "block_n", "block_k", "warps", "stages", "family")]


class Scatter2Scatter(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("dtype", c.c_int32), ("y_dtype", c.c_int32), ("variant", c.c_int32),
        ("x", c.c_void_p), ("x_stride", c.c_int64), ("w", c.c_void_p), ("w_transposed", c.c_int32),
        ("k", c.c_int32), ("n", c.c_int32), ("rank", c.c_int32), ("scaling", c.c_float),
        ("lora_a", c.c_void_p), ("lora_b", c.c_void_p), ("bias", c.c_void_p), ("y", c.c_void_p),
        ("y_stride", c.c_int64), ("sorted_slots", c.c_void_p), ("offsets", c.c_void_p),
        ("tiles", c.c_void_p), ("slots", c.c_int64), ("experts", c.c_int32), ("top_k", c.c_int32),
        ("x_grouped", c.c_int32), ("y_grouped", c.c_int32), ("config", TileConfig),
        ("workspace", c.c_void_p), ("workspace_bytes", c.c_size_t),
        ("lora_a_transposed", c.c_int32), ("lora_b_transposed", c.c_int32), ("xa", c.c_void_p),
        ("xa_is_input", c.c_int32), ("w_nf4", c.c_void_p),
    ]


class LoraGradConfig(c.Structure):
    _fields_ = [(name, c.c_int32) for name in ("block_columns", "block_rows", "warps", "stages")]


class LoraGrad(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("dtype", c.c_int32), ("out_dtype", c.c_int32), ("variant", c.c_int32),
        ("x", c.c_void_p), ("x_stride", c.c_int64), ("dy", c.c_void_p), ("dy_stride", c.c_int64),
        ("x_grouped", c.c_int32), ("dy_grouped", c.c_int32), ("k", c.c_int32), ("n", c.c_int32),
        ("rank", c.c_int32), ("experts", c.c_int32), ("scaling", c.c_float), ("top_k", c.c_int32),
        ("slots", c.c_int64), ("sorted_slots", c.c_void_p), ("offsets", c.c_void_p), ("xa", c.c_void_p),
        ("yb", c.c_void_p), ("lora_a", c.c_void_p), ("lora_b", c.c_void_p), ("da", c.c_void_p),
        ("db", c.c_void_p), ("config", LoraGradConfig), ("workspace", c.c_void_p),
        ("workspace_bytes", c.c_size_t),
    ]


class ExpertWeights(Args):
    _fields_ = [
        ("format", c.c_int32), ("experts", c.c_int32), ("expert_numel", c.c_int64), ("values", c.c_void_p),
        ("block_size", c.c_int32), ("nested_block", c.c_int32), ("code", c.c_void_p), ("absmax", c.c_void_p),
        ("absmax_u8", c.c_void_p), ("nested_code", c.c_void_p), ("nested_absmax", c.c_void_p),
        ("nested_offset", c.c_float), ("columns", c.c_int32), ("scales", c.c_void_p), ("exponents", c.c_void_p),
    ]


class ActiveExperts(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("experts", c.c_int32), ("ids", c.c_void_p), ("slots", c.c_int64),
        ("active", c.c_void_p), ("remap", c.c_void_p), ("count", c.c_void_p),
    ]


class SelectiveDequant(Args):
    _fields_ = [
        ("struct_size", c.c_uint32), ("out_dtype", c.c_int32), ("weights", ExpertWeights),
        ("ids", c.c_void_p), ("slots", c.c_int64), ("active", c.c_void_p), ("remap", c.c_void_p),
        ("count", c.c_void_p), ("capacity", c.c_int32), ("out", c.c_void_p), ("scratch", c.c_void_p),
    ]


def load(path):
    library = c.CDLL(path)
    library.ms_last_error.restype = c.c_char_p
    library.ms_max_tiles.restype = c.c_int64
    library.ms_max_tiles.argtypes = [c.c_int64, c.c_int32, c.c_int32]
    for name in ("ms_route_metadata_workspace_bytes", "ms_scatter2scatter_workspace_bytes",
                 "ms_lora_grad_workspace_bytes"):
        getattr(library, name).restype = c.c_size_t
    return library


class Checks:
    def __init__(self, library):
        self.library = library
        self.failures = 0

    def call(self, name, args):
        """Runs an operator on PyTorch's current stream."""
        stream = c.c_void_p(torch.cuda.current_stream().cuda_stream)
        status = getattr(self.library, name)(c.byref(args), stream)
        if status != 0:
            raise RuntimeError(f"{name}: status {status}: {self.library.ms_last_error().decode()}")

    def report(self, what, passed):
        print(f"{'ok    ' if passed else 'FAILED'}  {what}")
        self.failures += not passed


def empty(*shape, dtype=torch.int32):
    """Poisoned, so that an element never written is never taken for a result."""
    tensor = torch.empty(*shape, dtype=dtype, device="cuda")
    return tensor.fill_(-77)


def route(checks, tokens, experts, top_k):
    logits = torch.randn(tokens, experts, device="cuda")
    weights, ids = empty(tokens, top_k, dtype=torch.float32), empty(tokens, top_k)
    checks.call("ms_softmax_topk", SoftmaxTopk(
        logits_dtype=F32, logits=logits, logits_stride=experts, tokens=tokens, experts=experts, top_k=top_k,
        renorm=RENORM_ADD, routed_scaling=1.0, weights=weights, ids=ids))
    values, indices = torch.softmax(logits, -1).topk(top_k)
    values = values / values.sum(-1, keepdim=True)
    checks.report("softmax_topk agrees with torch.softmax and topk",
                  torch.equal(ids.long(), indices) and torch.allclose(weights, values, rtol=1e-5, atol=1e-7))
    return ids.flatten()


def sort_slots(checks, ids, experts, block_rows):
    slots = ids.numel()
    out = dict(counts=empty(experts), offsets=empty(experts + 1), sorted_slots=empty(slots), inverse=empty(slots))
    tiles = empty(checks.library.ms_max_tiles(slots, experts, block_rows), 2)
    args = RouteMetadata(experts=experts, ids=ids, slots=slots, block_rows=block_rows, tiles=tiles, **out)
    args.workspace_bytes = checks.library.ms_route_metadata_workspace_bytes(c.byref(args))
    workspace = torch.empty(args.workspace_bytes, dtype=torch.uint8, device="cuda")
    args.workspace = workspace.data_ptr()
    checks.call("ms_route_metadata", args)
    expected = torch.argsort(ids, stable=True)
    passed = torch.equal(out["sorted_slots"].long(), expected)
    passed = passed and torch.equal(out["counts"].long(), torch.bincount(ids, minlength=experts))
    passed = passed and torch.equal(out["offsets"][1:].long(), out["counts"].long().cumsum(0))
    passed = passed and torch.equal(out["inverse"].long()[expected], torch.arange(slots, device="cuda"))
    checks.report(f"route_metadata agrees with a stable torch.argsort ({block_rows} rows a tile)", passed)
    return out, tiles


def grouped_matmul(checks, variant, ids, experts, top_k):
    k, n, rank, scaling = 256, 192, 16, 2.0
    slots, tokens = ids.numel(), ids.numel() // top_k

    def random(*shape):
        return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) / 8

    x, w = random(tokens, k), random(experts, k, n)
    lora_a, lora_b = random(experts, rank, k), random(experts, n, rank)
    y = empty(slots, n, dtype=torch.bfloat16)
    args = Scatter2Scatter(
        dtype=BF16, y_dtype=BF16, variant=S2S_VARIANTS[variant], x=x, x_stride=k, w=w, k=k, n=n, rank=rank, scaling=scaling,
        lora_a=lora_a, lora_b=lora_b, y=y, y_stride=n, slots=slots, experts=experts, top_k=top_k)
    if checks.library.ms_scatter2scatter_default_config(c.byref(args), c.byref(args.config)) != 0:
        raise RuntimeError(checks.library.ms_last_error().decode())
    routed, tiles = sort_slots(checks, ids, experts, args.config.block_m)
    args.sorted_slots, args.offsets = routed["sorted_slots"].data_ptr(), routed["offsets"].data_ptr()
    args.tiles = tiles.data_ptr()
    args.workspace_bytes = checks.library.ms_scatter2scatter_workspace_bytes(c.byref(args))
    workspace = torch.empty(max(args.workspace_bytes, 1), dtype=torch.uint8, device="cuda")
    args.workspace = workspace.data_ptr()
    checks.call("ms_scatter2scatter", args)

    rows = x.double().repeat_interleave(top_k, 0)
    expected = torch.empty(slots, n, dtype=torch.float64, device="cuda")
    for expert in range(experts):
        mine = ids == expert
        xa = (rows[mine] @ lora_a[expert].double().T).bfloat16().double()
        expected[mine] = rows[mine] @ w[expert].double() + scaling * (xa @ lora_b[expert].double().T)
    error = (y.double() - expected).abs().max() / expected.abs().max()
    checks.report(f"scatter2scatter ({variant}) agrees with torch "
                  f"(largest error {error:.1e} of the largest value)", bool(error < 1e-2))


def lora_gradients(checks, ids, experts, top_k):
    slots, k, n, rank, scaling = ids.numel(), 128, 256, 16, 2.0

    def random(*shape):
        return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) / 8

    x, dy = random(slots // top_k, k), random(slots, n)
    lora_a, lora_b = random(experts, rank, k), random(experts, n, rank)
    routed, _ = sort_slots(checks, ids, experts, 64)
    da, db = empty(experts, rank, k, dtype=torch.float32), empty(experts, n, rank, dtype=torch.float32)
    args = LoraGrad(
        dtype=BF16, out_dtype=F32, variant=LORA_GRAD_RECOMPUTE, x=x, x_stride=k, dy=dy, dy_stride=n, k=k, n=n,
        rank=rank, experts=experts, scaling=scaling, top_k=top_k, slots=slots,
        sorted_slots=routed["sorted_slots"], offsets=routed["offsets"], lora_a=lora_a, lora_b=lora_b, da=da, db=db)
    args.workspace_bytes = checks.library.ms_lora_grad_workspace_bytes(c.byref(args))
    workspace = torch.empty(max(args.workspace_bytes, 1), dtype=torch.uint8, device="cuda")
    args.workspace = workspace.data_ptr()
    checks.call("ms_lora_grad", args)

    a, b = lora_a.double().requires_grad_(), lora_b.double().requires_grad_()
    rows = x.double().repeat_interleave(top_k, 0)
    for expert in range(experts):
        mine = ids == expert
        y = scaling * (rows[mine] @ a[expert].T) @ b[expert].T
        (y * dy[mine].double()).sum().backward()
    for name, actual, expected in (("dA", da, a.grad), ("dB", db, b.grad)):
        error = (actual.double() - expected).abs().max() / expected.abs().max()
        checks.report(f"lora_grad's {name} agrees with torch.autograd (largest error {error:.1e} of the largest value)",
                      bool(error < 1e-2))


def dequantise(checks):
    experts, numel, block = 8, 1000, 64
    blocks = (experts * numel + block - 1) // block
    packed = torch.randint(0, 256, (experts * numel // 2,), dtype=torch.uint8, device="cuda")
    absmax, code = torch.rand(blocks, device="cuda"), torch.linspace(-1, 1, 16, device="cuda")
    ids = torch.tensor([5, 2, 5, 7], dtype=torch.int32, device="cuda")
    active, remap, count = empty(experts), empty(experts), empty(1)
    out = empty(3, numel, dtype=torch.bfloat16)
    checks.call("ms_active_experts", ActiveExperts(
        experts=experts, ids=ids, slots=ids.numel(), active=active, remap=remap, count=count))
    checks.report("active_experts finds the distinct experts",
                  active.tolist() == [2, 5, 7] + [-1] * 5 and count.item() == 3
                  and remap.tolist() == [-1, -1, 0, -1, -1, 1, -1, 2])
    weights = ExpertWeights(format=WEIGHTS_NF4, values=packed, absmax=absmax, code=code, block_size=block,
                            experts=experts, expert_numel=numel)
    checks.call("ms_selective_dequant", SelectiveDequant(
        out_dtype=BF16, weights=weights, active=active, count=count, capacity=3, out=out))
    nibbles = torch.stack([packed >> 4, packed & 15], -1).flatten().long()  # the even element is the high nibble
    full = (code[nibbles] * absmax.repeat_interleave(block)[: nibbles.numel()]).bfloat16().view(experts, numel)
    checks.report("selective_dequant agrees with torch to the bit", torch.equal(out, full[[2, 5, 7]]))
    fp8 = torch.randn(experts, numel, device="cuda").to(torch.float8_e4m3fn)
    scales = torch.rand(experts, numel // 40, device="cuda")
    weights = ExpertWeights(format=WEIGHTS_FP8_ROW, values=fp8.view(torch.uint8), scales=scales, columns=40,
                            experts=experts, expert_numel=numel)
    checks.call("ms_selective_dequant", SelectiveDequant(
        out_dtype=BF16, weights=weights, ids=ids, slots=ids.numel(), active=active, remap=remap, count=count,
        capacity=3, out=out))
    full = (fp8.float() * scales.repeat_interleave(40, 1)).bfloat16()
    checks.report("selective_dequant of FP8 by expert ids agrees with torch to the bit",
                  torch.equal(out, full[[2, 5, 7]]) and count.item() == 3)


def refuse(checks):
    logits, weights, ids = torch.zeros(1, 4, device="cuda"), empty(1, 5, dtype=torch.float32), empty(1, 5)
    args = SoftmaxTopk(logits_dtype=F32, logits=logits, logits_stride=4, tokens=1, experts=4, top_k=5,
                       routed_scaling=1.0, weights=weights, ids=ids)
    status = checks.library.ms_softmax_topk(c.byref(args), None)
    message = checks.library.ms_last_error().decode()
    checks.report(f"top_k above experts is refused: {message}", status == INVALID_ARGUMENT and "top_k" in message)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(1)
    checks = Checks(load(sys.argv[1]))
    experts, top_k = 16, 4
    ids = route(checks, 333, experts, top_k)
    for variant in S2S_VARIANTS:
        grouped_matmul(checks, variant, ids, experts, top_k)
    lora_gradients(checks, ids, experts, top_k)
    dequantise(checks)
    refuse(checks)
    torch.cuda.synchronize()
    sys.exit(1 if checks.failures else 0)


main()
