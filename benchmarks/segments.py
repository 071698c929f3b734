"""Many segments through a network, beside nothing but the matrix products of the same rows: ``cpwl.segments``.

    OMP_NUM_THREADS=1 python benchmarks/segments.py [--segments 1000] [--images]

With ``--images`` segments join MNIST images of ``shared/data``. One thread, warm, CPU seconds.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import cpwl
from cpwl.network import Dense, Network

MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist" / "t10k-images-idx3-ubyte.gz"
ROWS = 512


def network(sizes: list[int]) -> Network:
    """A He-initialised ReLU network."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((n, m)) * np.sqrt(2 / m) for m, n in pairwise(sizes)]
    return Network.mlp(weights, [rng.standard_normal(n) * 0.1 for n in sizes[1:]])


def points(images: bool, count: int, inputs: int) -> np.ndarray:
    """Starts and ends (2, count, inputs)."""
    if not images:
        return np.random.default_rng(1).random((2, count, inputs))
    with gzip.open(MNIST) as file:
        data = np.frombuffer(file.read(16 + 2 * count * 784), np.uint8, offset=16)
    return data.reshape(2, count, 784) / 255


def seconds(function: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def products(net: Network, pieces: cpwl.SegmentPieces) -> float:
    """CPU seconds of the products: of each matrix with as many rows as there are vertices before it."""
    total = 0.0
    for part in pieces.parts:
        vertices = iter([2 * len(part.bundle), *(len(step.parents) + len(part.bundle) for step in part.steps[1:])])
        for node in net.nodes:
            if isinstance(node.op, Dense):
                weight = torch.as_tensor(node.op.weight)
                rows = torch.randn(next(vertices), weight.shape[1], dtype=torch.float64).clamp(min=0)
                total += seconds(lambda rows=rows, weight=weight: [part @ weight.T for part in rows.split(ROWS)])
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1000)
    parser.add_argument("--images", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for sizes in ([784, *[256] * 6, 10], [784, *[256] * 3, 10], [784, 1024, 1024, 1024, 10]):
        net = network(sizes)
        starts, ends = points(options.images, options.segments, sizes[0])
        cpwl.segments(net, starts[:64], ends[:64])  # warm
        found: list[cpwl.SegmentPieces] = []
        took = seconds(lambda net=net, a=starts, b=ends: found.append(cpwl.segments(net, a, b)))  # noqa: B023
        pieces = found[0]
        matrix = products(net, pieces)
        mean, bounds = pieces.counts.mean(), f"{pieces.position_errors.max():.0e}, {pieces.value_errors.max():.0e}"
        each = 1e3 / len(pieces)
        print(f"{sizes}: {mean:.0f} pieces a segment, {each * took:.2f} ms; products {each * matrix:.2f} ms, ", end="")
        print(f"ratio {took / matrix:.2f}; {pieces.settled} exact decisions; bounds {bounds}", flush=True)


if __name__ == "__main__":
    main()
