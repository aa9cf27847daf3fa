#!/usr/bin/env python3
"""Layers on sequences beside PyTorch's, forward and backward, f32: `sequences.py THALWEG-BENCH [--threads N] [--rounds N]`.

A GRU, an LSTM and an rnn of 128 units on 64 sequences of 100 steps of 128 values, and attention of 4 heads of 32 on 128
steps. Both take turns; printed are the fastest pass and the median of each, in ms, and how many times as fast ours is.
"""
import argparse
import json
import statistics
import subprocess
import time


def torch_times(threads, passes=40):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    nets = {
        "rnn": torch.nn.RNN(128, 128, batch_first=True),
        "gru": torch.nn.GRU(128, 128, batch_first=True),
        "lstm": torch.nn.LSTM(128, 128, batch_first=True),
        "attention": torch.nn.MultiheadAttention(128, 4, batch_first=True),
    }
    found = {}
    for name, net in nets.items():
        x = torch.randn(64, 128 if name == "attention" else 100, 128, requires_grad=True)
        times = []
        for _ in range(passes):
            net.zero_grad(set_to_none=True)
            x.grad = None
            start = time.perf_counter()
            y = net(x, x, x, need_weights=False)[0] if name == "attention" else net(x)[0]
            y.backward(y.detach())
            times.append(1e3 * (time.perf_counter() - start))
        found[name] = {"best_ms": min(times), "median_ms": statistics.median(times)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours, theirs = [], []
    for _ in range(options.rounds):
        command = [options.program, "sequences", "--threads", str(options.threads)]
        ours.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        theirs.append(torch_times(options.threads))
    for name in ours[0]:
        for figure in ("best_ms", "median_ms"):
            a, b = (min(each[name][figure] for each in all) for all in (ours, theirs))
            print(f"{name:10} {figure:9}  Thalweg {a:8.2f}  PyTorch {b:8.2f}  {b / a:.2f} times as fast")


if __name__ == "__main__":
    main()
