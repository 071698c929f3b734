"""How fast local maps are on large networks: CPU seconds, also in multiples of one plain forward pass.

    python benchmarks/local_map.py [vgg16] [resnet152] [--size 224] [--threads 1] [--device cuda]

The networks have the layers of VGG-16 and ResNet-152 with random weights (He), batch norm as a scale, and no names of
layers: what they cost, not what they know.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import torch
from large_networks import NETWORKS
from rich.console import Console
from rich.table import Table

import cpwl
from cpwl.network import Conv, Dense, Divide, Gather, Max, Network, Piecewise, Scale, Sum


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(sorted(NETWORKS)))
@click.option("--size", default=224, show_default=True, help="Height and width of the image.")
@click.option("--threads", default=1, show_default=True)
@click.option("--device", default=None)
def main(names: tuple[str, ...], size: int, threads: int, device: str | None) -> None:
    torch.set_num_threads(threads)
    table = Table("network", "what", "CPU s", "forwards", title=f"{size}x{size}, {threads} thread(s), float64")
    for name in names or sorted(NETWORKS):
        for what, seconds, ratio in _rows(NETWORKS[name](size), size, device):
            table.add_row(name, what, f"{seconds:.2f}", f"{ratio:.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    Console(width=120).print(table, f"largest resident memory: {peak:.1f} GiB")


def _rows(network: Network, size: int, device: str | None) -> list[tuple[str, float, float]]:
    generator = np.random.default_rng(0)
    corners = generator.standard_normal((3, 3, size, size))
    x, direction = corners[0], corners[1]
    plain = plain_forward(network, device)
    plain(x)  # once to warm up
    forward, expected = _timed(lambda: plain(x))
    found = [("plain forward", forward, 1.0)]

    def record(what: str, run: Callable[[], Any]) -> Any:
        seconds, result = _timed(run)
        found.append((what, seconds, seconds / forward))
        return result

    local = record("local_map (with the norms of all weights)", lambda: cpwl.local_map(network, x, device=device))
    assert np.abs(local.value - expected).max() <= 1e-9 * np.abs(expected).max()
    record("matvec", lambda: local.matvec(direction))
    record("row, the first (builds the adjoint)", lambda: local.row(0))
    row = record("row", lambda: local.row(7))
    record("bias", lambda: local.bias)
    gap = abs(row @ x.ravel() + local.bias[7] - local.value.ravel()[7]) / np.abs(local.value).max()
    found.append((f"W x + b = f(x) up to {gap:.1e}; {len(local.undecided):,} of {network.units:,} undecided", 0, 0))
    domain = cpwl.Domain.polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]], x, np.moveaxis(corners[1:] / size**2, 0, -1))
    halfspaces = record("halfspaces in a slice", lambda: local.halfspaces(domain, limit=1 << 32))
    kept = record(f"irredundant of {len(halfspaces):,}", halfspaces.irredundant)
    found.append((f"{len(kept)} edges, {int(kept.certain.sum())} certain, complete: {kept.complete}", 0, 0))
    record("contains", lambda: local.contains(np.stack([x, x + 1e-6 * direction])))
    return found


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def plain_forward(network: Network, device: str | None) -> Callable[[np.ndarray], np.ndarray]:
    """The network's operators in plain float64 torch, without bounds; the weights are moved once."""
    weights = {
        id(node.op): tuple(torch.as_tensor(w, device=device) for w in (node.op.weight, node.op.bias))
        for node in network.nodes
        if isinstance(node.op, (Dense, Conv))
    }

    @torch.no_grad()
    def run(x: np.ndarray) -> np.ndarray:
        values = []
        for node in network.nodes:
            inputs = [values[j] for j in node.inputs]
            values.append(_applied(node.op, inputs, weights) if inputs else torch.as_tensor(x, device=device))
        return values[-1].cpu().numpy()

    return run


def _applied(op: Any, inputs: list[torch.Tensor], weights: dict[int, Any]) -> torch.Tensor:
    x = inputs[0]
    match op:
        case Dense():
            return torch.nn.functional.linear(x, *weights[id(op)])
        case Conv():
            (pad, _), *_ = op.padding
            return torch.conv2d(x[None], *weights[id(op)], op.stride, pad, op.dilation)[0]
        case Scale():
            return x * torch.as_tensor(op.factor, device=x.device) + torch.as_tensor(op.shift, device=x.device)
        case Divide():
            return x / torch.as_tensor(op.divisor, device=x.device)
        case Sum():
            return sum(c * y for c, y in zip(op.coefficients, inputs, strict=True))
        case Gather():
            return x.flatten()[torch.as_tensor(op.index, device=x.device)]
        case Max():
            return x.amax(-1)
        case Piecewise():
            return x.relu()
    raise TypeError(type(op).__name__)


if __name__ == "__main__":
    main()
