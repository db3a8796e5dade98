#!/usr/bin/env python3
"""Writes nf4.txt: weights that bitsandbytes quantised to NF4, and what it dequantises them to.

Needs torch and bitsandbytes (made with torch 2.15, bitsandbytes 0.50; the CPU backend):
    python3 make_nf4_vectors.py > nf4.txt
Standard error says whether bitsandbytes' narrow results are its float32 results rounded once.
"""

import re
import sys

import bitsandbytes
import bitsandbytes.functional as bnb
import torch

# name, elements, block size, nested, dtype, the stride at which outputs are kept
CASES = [
    ("block64_f32", 1000, 64, False, torch.float32, 1),
    ("block64_bf16", 1001, 64, False, torch.bfloat16, 1),
    ("block64_f16", 640, 64, False, torch.float16, 1),
    ("block32_bf16", 500, 32, False, torch.bfloat16, 1),
    ("block128_f16", 811, 128, False, torch.float16, 1),
    ("block4096_f32", 4500, 4096, False, torch.float32, 9),
    ("block64_nested_f32", 1000, 64, True, torch.float32, 1),
    ("block64_nested_bf16", 20011, 64, True, torch.bfloat16, 29),  # two nested blocks
    ("block128_nested_f16", 1200, 128, True, torch.float16, 1),
]
BITS = {torch.float32: torch.int32, torch.float16: torch.int16, torch.bfloat16: torch.int16}
NAMES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}


def write_array(key, values):
    print(key, f"[{len(values)}]", *values)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_floats(key, tensor):
    write_array(key, [hex_float(v) for v in tensor.flatten().tolist()])


def write_ints(key, tensor, mask):
    write_array(key, [int(v) & mask for v in tensor.flatten().tolist()])


def write_case(name, count, block, nested, dtype, stride, generator):
    # Blocks of different magnitudes, one block of zeros, as weights with outliers have.
    scale = torch.exp2(torch.randint(-8, 3, (count // block + 1,), generator=generator).float())
    values = (torch.randn(count, generator=generator) * scale.repeat_interleave(block)[:count] / 8).to(dtype)
    values[:block] = 0 if count > 4 * block else values[:block]
    packed, state = bnb.quantize_4bit(values, blocksize=block, compress_statistics=nested, quant_type="nf4")
    out = bnb.dequantize_4bit(packed, state)
    assert out.dtype == dtype
    state.dtype = torch.float32
    wide = bnb.dequantize_4bit(packed, state).flatten()
    print(f"case {name}")
    print("dtype", NAMES[dtype])
    print("count", count)
    print("block_size", block)
    print("stride", stride)
    write_ints("packed", packed, 0xFF)
    if count <= 1200:
        write_floats("values", values.float())
    write_floats("code", state.code)
    if nested:
        print("nested_block", state.state2.blocksize)
        print("nested_offset", hex_float(state.offset))
        write_ints("absmax_u8", state.absmax, 0xFF)
        write_floats("nested_code", state.state2.code)
        write_floats("nested_absmax", state.state2.absmax)
    else:
        write_floats("absmax", state.absmax)
    write_ints("out_bits", out.flatten()[::stride].view(BITS[dtype]), 0xFFFFFFFF if dtype == torch.float32 else 0xFFFF)
    print("end")
    rounded_once = wide.to(dtype)
    print(name, "elements not equal to the float32 result rounded once:",
          int((rounded_once != out.flatten()).sum()), file=sys.stderr)


def main():
    print(f"# bitsandbytes {bitsandbytes.__version__}, torch {torch.__version__.split('+')[0]}; made by make_nf4_vectors.py")
    generator = torch.Generator().manual_seed(20)
    for case in CASES:
        write_case(*case, generator)


main()
