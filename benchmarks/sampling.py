"""How many regions a grid of points finds, beside all that there are: what sampling misses, and what it costs.

    python benchmarks/sampling.py [NETWORK ...] [--side 1000]

Of each reference network (of two inputs, on its square) activation patterns at side x side points are counted.
"""

from __future__ import annotations

import argparse
from time import process_time

import numpy as np
from networks import REGIONS, reference

import cpwl


def patterns_on_grid(net: cpwl.Network, low: float, high: float, side: int) -> int:
    """The number of different activation patterns of a ReLU perceptron at the points of a grid."""
    ticks = np.linspace(low, high, side)
    found: set[bytes] = set()
    for x in ticks:
        values = np.stack([np.full(side, x), ticks], axis=1)
        bits = []
        for node in net.nodes[1:]:
            if hasattr(node.op, "weight"):
                values = values @ node.op.weight.T + node.op.bias
            else:
                bits.append(values > 0)
                values = np.maximum(values, 0)
        found |= {row.tobytes() for row in np.packbits(np.concatenate(bits, axis=1), axis=1)}
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["mlp-32x3", "mlp-64x4"])
    parser.add_argument("--side", type=int, default=1000)
    chosen = parser.parse_args()
    for name in chosen.names:
        given = reference(name)
        corners = given.domain.polytope.vertices
        cpwl.partition(given.network, given.domain)
        start = process_time()
        regions = len(cpwl.partition(given.network, given.domain))
        exact, start = process_time() - start, process_time()
        sampled = patterns_on_grid(given.network, float(corners.min()), float(corners.max()), chosen.side)
        took = process_time() - start
        assert regions == REGIONS[name]
        print(
            f"{name}: cpwl {regions:,} regions in {exact:.2g} s; {chosen.side**2:,} points find {sampled:,} "
            f"({sampled / regions:.0%}) in {took:.2g} s"
        )


if __name__ == "__main__":
    main()
