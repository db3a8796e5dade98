#!/usr/bin/env python3
"""Makes cpu_step.json.gz: one training step of a tiny MoE layer as PyTorch's profiler writes it, on a CPU.

    make_cpu_trace.py OUT.json.gz     needs torch; made with torch 2.x, whose version stands in the file
"""

import gzip
import json
import os
import sys
import tempfile

import torch
from torch.profiler import ProfilerActivity, profile, record_function


class Experts(torch.nn.Module):
    def __init__(self, experts=4, hidden=32, intermediate=16):
        super().__init__()
        self.router = torch.nn.Linear(hidden, experts, bias=False)
        self.up = torch.nn.ModuleList(torch.nn.Linear(hidden, intermediate) for _ in range(experts))
        self.down = torch.nn.ModuleList(torch.nn.Linear(intermediate, hidden) for _ in range(experts))

    def forward(self, x):
        weights, chosen = self.router(x).softmax(-1).topk(2, -1)
        y = torch.zeros_like(x)
        for expert, (up, down) in enumerate(zip(self.up, self.down)):
            token, slot = (chosen == expert).nonzero(as_tuple=True)
            y = y.index_add(0, token, weights[token, slot, None] * down(up(x[token]).relu()))
        return y


def main(out):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    layer = Experts()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    x = torch.randn(24, 32)
    layer(x).sum().backward()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        with record_function("training step"):
            layer(x).square().mean().backward()
            optimizer.step()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        profiler.export_chrome_trace(path)
        with open(path, encoding="utf-8") as file:
            trace = json.load(file)
    # Which machine and folder it was made in is nobody's business.
    for key in ("traceName", "host_name", "trace_id"):
        trace.pop(key, None)
    trace["torch_version"] = torch.__version__
    with gzip.GzipFile(out, "wb", mtime=0) as file:
        file.write(json.dumps(trace).encode())
    print(f"{out}: {len(trace['traceEvents'])} events, {os.path.getsize(out)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
