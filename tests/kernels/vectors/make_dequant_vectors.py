#!/usr/bin/env python3
"""Writes dequant.txt: quantised weights, and what the libraries that define the formats make of them.

NF4 and FP4: bitsandbytes quantises and dequantises. FP8: torch.float8_e4m3fn quantises and widens,
and the scales are those of the three published layouts. MXFP4: the formula of the OCP Microscaling
Formats 1.0 specification, section 6.3, written out below with torch as the arithmetic.

Needs torch and bitsandbytes (made with torch 2.15, bitsandbytes 0.50; the CPU backend):
    python3 make_dequant_vectors.py > dequant.txt
Standard error says whether bitsandbytes' narrow results are its float32 results rounded once.
"""

import re
import sys

import bitsandbytes
import bitsandbytes.functional as bnb
import torch

# name, elements, block size, nested, dtype, the stride at which outputs are kept
BNB_CASES = [
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
# name, scales, rows, columns, dtype, the stride at which outputs are kept
FP8_CASES = [
    ("fp8_tensor_f32", "tensor", 24, 40, torch.float32, 1),
    ("fp8_tensor_f16", "tensor", 16, 32, torch.float16, 1),
    ("fp8_row_bf16", "row", 20, 48, torch.bfloat16, 1),
    ("fp8_row_odd_f32", "row", 9, 33, torch.float32, 1),
    ("fp8_block_bf16", "block", 130, 136, torch.bfloat16, 13),  # cut in rows and in columns
    ("fp8_block_f32", "block", 3, 260, torch.float32, 1),
]
MXFP4_CASES = [("mxfp4_bf16", 960, torch.bfloat16), ("mxfp4_f32", 1000, torch.float32), ("mxfp4_f16", 321, torch.float16)]
BITS = {torch.float32: torch.int32, torch.float16: torch.int16, torch.bfloat16: torch.int16}
NAMES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
E2M1 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]


def write_array(key, values):
    print(key, f"[{len(values)}]", *values)


def hex_float(value):
    return re.sub(r"\.?0*p", "p", float(value).hex())


def write_floats(key, tensor):
    write_array(key, [hex_float(v) for v in tensor.flatten().tolist()])


def write_ints(key, tensor, mask):
    write_array(key, [int(v) & mask for v in tensor.flatten().tolist()])


def write_head(name, quant, dtype, count, stride=1):
    print(f"case {name}")
    print("format", quant)
    print("dtype", NAMES[dtype])
    print("count", count)
    print("stride", stride)


def write_out(out, dtype, stride=1):
    out = out.to(dtype).flatten()[::stride]
    write_ints("out_bits", out.view(BITS[dtype]), 0xFFFFFFFF if dtype == torch.float32 else 0xFFFF)
    print("end")


def write_bnb_case(quant, name, count, block, nested, dtype, stride, generator):
    # Blocks of different magnitudes, one block of zeros, as weights with outliers have.
    scale = torch.exp2(torch.randint(-8, 3, (count // block + 1,), generator=generator).float())
    values = (torch.randn(count, generator=generator) * scale.repeat_interleave(block)[:count] / 8).to(dtype)
    values[:block] = 0 if count > 4 * block else values[:block]
    packed, state = bnb.quantize_4bit(values, blocksize=block, compress_statistics=nested, quant_type=quant)
    out = bnb.dequantize_4bit(packed, state)
    assert out.dtype == dtype
    state.dtype = torch.float32
    wide = bnb.dequantize_4bit(packed, state).flatten()
    write_head(name, quant, dtype, count, stride)
    print("block_size", block)
    write_ints("packed", packed, 0xFF)
    if count <= 1200 and quant == "nf4":
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
    write_out(out, dtype, stride)
    rounded_once = wide.to(dtype)
    print(name, "elements not equal to the float32 result rounded once:",
          int((rounded_once != out.flatten()).sum()), file=sys.stderr)


def write_fp8_case(name, scales, rows, columns, dtype, stride, generator):
    values = torch.randn(rows, columns, generator=generator) * torch.exp2(
        torch.randint(-6, 3, (rows, 1), generator=generator).float())
    # The block of each element, and the largest magnitude of each block.
    row, column = torch.arange(rows), torch.arange(columns)
    row_block, column_block = {"tensor": (row * 0, column * 0), "row": (row, column * 0),
                               "block": (row // 128, column // 128)}[scales]
    shape = int(row_block[-1]) + 1, int(column_block[-1]) + 1
    largest = torch.zeros(shape)
    for i in range(rows):
        for j in range(columns):
            at = row_block[i], column_block[j]
            largest[at] = torch.maximum(largest[at], values[i, j].abs())
    scale = largest / 448
    each = scale[row_block][:, column_block]
    codes = (values / each).to(torch.float8_e4m3fn)
    bits = codes.view(torch.uint8).flatten()
    bits[:256] = torch.arange(256, dtype=torch.uint8)  # every code, both NaNs among them
    write_head(name, "fp8_" + scales, dtype, rows * columns, stride)
    print("columns", columns)
    write_ints("packed", bits, 0xFF)
    write_floats("scales", scale)
    wide = bits.view(torch.float8_e4m3fn).float().view(rows, columns)
    write_out(wide * each, dtype, stride)


def write_mxfp4_case(name, count, dtype, generator):
    """v[i] = 2^(e[i / 32] - 127) * E2M1(code[i]); the even element in the low nibble; e = 255 is NaN."""
    codes = torch.randint(0, 16, (count,), generator=generator)
    exponents = torch.randint(115, 138, ((count + 31) // 32,), generator=generator)
    if dtype == torch.float32:  # the ends: subnormal, infinite, NaN
        exponents[:5] = torch.tensor([0, 1, 254, 255, 127])
    magnitude = torch.tensor(E2M1)[codes & 7]
    signed = torch.where(codes >= 8, -magnitude, magnitude)
    scale = torch.exp2(exponents.double() - 127)
    scale[exponents == 255] = float("nan")
    wide = (signed.double() * scale.repeat_interleave(32)[:count]).float()
    padded = torch.cat([codes, torch.zeros(count % 2, dtype=codes.dtype)])
    write_head(name, "mxfp4", dtype, count)
    write_ints("packed", padded[0::2] | padded[1::2] << 4, 0xFF)
    write_ints("exponents", exponents, 0xFF)
    write_out(wide, dtype)


def main():
    print(f"# bitsandbytes {bitsandbytes.__version__}, torch {torch.__version__.split('+')[0]}; made by make_dequant_vectors.py")
    generator = torch.Generator().manual_seed(20)
    for case in BNB_CASES:
        write_bnb_case("nf4", *case, generator)
    for case in (each for each in BNB_CASES if each[1] <= 1200 and each[2] != 32):
        write_bnb_case("fp4", "fp4_" + case[0], *case[1:], generator)
    for case in FP8_CASES:
        write_fp8_case(*case, generator)
    for case in MXFP4_CASES:
        write_mxfp4_case(*case, generator)


main()
