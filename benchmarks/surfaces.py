"""Level sets of shapes in space, without the partition: ``cpwl.level_set``, beside the prototype's figures.

    OMP_NUM_THREADS=1 python benchmarks/surfaces.py [NAME ...] [--runs 2] [--times]

One thread, CPU seconds of the last run, with the polygons, the largest memory, and what was dropped after which node.
Shapes: fox and birdcage_occ of ``shared/data/implicit``; any other name is a file of weights W0, b0, W1, ... (.npz).
``--times`` adds where the time went. The prototype: fox 28,316 polygons in 13.8 s; birdcage 355,028 in 376 s.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import cpwl
from cpwl.backends.torch.solid.arrangement import TorchLatticeArrangement
from cpwl.bounds.remainder import Remainder
from cpwl.network import Network
from cpwl.tiling.pruning import Pruning

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "implicit"
CUBE = cpwl.Domain.box([-1.0] * 3, [1.0] * 3)
PARTS = (
    (Remainder, "wide_bounds"),
    (Remainder, "bounds"),
    (Pruning, "_functions"),
    (TorchLatticeArrangement, "faces"),
    (TorchLatticeArrangement, "refine"),
    (TorchLatticeArrangement, "sharpened"),
    (TorchLatticeArrangement, "take"),
)
"""What is timed: bounds (intervals, tables), values at vertices, corners of regions, cuts, exact vertices, parts."""


def network(name: str) -> Network:
    """The shape's network."""
    if (DATA / f"{name}.npz").exists():
        arrays = np.load(DATA / f"{name}.npz")
        layers = sorted(key[:-1] for key in arrays if key.endswith("dense.A"))
        pairs = [(arrays[f"{layer}A"].T, arrays[f"{layer}b"]) for layer in layers]
    else:
        arrays = np.load(name)
        pairs = [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(arrays.files) // 2)]
    weights, biases = ([np.asarray(values, np.float64) for values in part] for part in zip(*pairs, strict=True))
    return Network.mlp(weights, biases)


def timing(spent: Counter[str]) -> None:
    """Adds up the CPU seconds of the parts."""

    def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            start = time.process_time()
            found = function(*arguments, **options)
            spent[name] += time.process_time() - start  # type: ignore[assignment]
            return found

        return run

    for owner, name in PARTS:
        setattr(owner, name, timed(getattr(owner, name), name))


def main() -> None:
    """Prints a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["fox"])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    spent: Counter[str] = Counter()
    if options.times:
        timing(spent)
    for name in options.names:
        net = network(name)
        for _ in range(options.runs):
            spent.clear()
            start = time.process_time()
            surface = cpwl.level_set(net, CUBE)
            seconds = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{Path(name).stem}: {len(surface):,} polygons in {seconds:.2f} s, {memory:,.0f} MB", flush=True)
        assert surface.complete and surface.partition.pruned is not None
        print("  dropped after each node:", surface.partition.pruned.dropped)
        if options.times:
            print("  seconds:", {part: round(value, 2) for part, value in spent.most_common()})


if __name__ == "__main__":
    main()
