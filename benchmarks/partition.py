"""How fast partitions are: CPU and wall seconds, and the ratio to one plain forward pass over the final vertices.

    python benchmarks/partition.py [NAME ...] [--backend torch|exact] [--device cuda] [--threads 1] [--runs 5]

Medians of warm runs; a run's own checks: the known count of regions, V - E + F = 1, the area.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable

import click
import torch
from networks import REGIONS, WIDTHS, Reference, reference
from rich.console import Console
from rich.table import Table

import cpwl

DEFAULT = ("shallow-100", "mlp-32x3", "mlp-784", "mlp-64x4")


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(sorted(WIDTHS)))
@click.option("--backend", default="torch", type=click.Choice(["torch", "exact"]))
@click.option("--device", default=None)
@click.option("--threads", default=1, show_default=True)
@click.option("--runs", default=5, show_default=True)
def main(names: tuple[str, ...], backend: str, device: str | None, threads: int, runs: int) -> None:
    torch.set_num_threads(threads)
    place = torch.cuda.get_device_name() if device else f"{platform.machine()}, {threads} thread(s)"
    title = f"{backend}, {place}, torch {torch.__version__}, {runs} warm runs"
    table = Table("network", "regions", "V-E+F", "ambiguous", "CPU s", "wall s", "forward s", "ratio", title=title)
    for name in names or DEFAULT:
        table.add_row(*_row(reference(name), backend, device, runs))
    Console(width=120).print(table)


def _row(wanted: Reference, backend: str, device: str | None, runs: int) -> list[str]:
    def run() -> cpwl.Partition:
        return cpwl.partition(wanted.network, wanted.domain, backend=backend, device=device)

    part = run()
    cpu, wall = _median(run, runs, device)
    _, forward = _median(_forward(wanted, len(part.vertices), device), runs, device)
    facets = part.facets()
    euler = len(part.vertices) - len(facets.vertices) + len(part)
    expected = REGIONS.get(wanted.name, len(part))
    count = f"{len(part)}" if len(part) == expected else f"{len(part)} WRONG, {expected} expected"
    area = abs(float(part.volumes().sum()) / wanted.domain.volume - 1)
    assert area < 1e-9, f"areas are off by {area}"
    numbers = [f"{cpu:.4f}", f"{wall:.4f}", f"{forward:.4f}", f"{wall / forward:.2f}"]
    return [wanted.name, count, str(euler), str(len(part.ambiguous)), *numbers]


def _forward(wanted: Reference, vertices: int, device: str | None) -> Callable[[], torch.Tensor]:
    """One plain float64 forward pass over as many points as the partition has vertices."""
    layers = [node.op for node in wanted.network.nodes if hasattr(node.op, "weight")]
    tensors = [(torch.as_tensor(op.weight.T, device=device), torch.as_tensor(op.bias, device=device)) for op in layers]
    x = torch.randn(vertices, wanted.network.inputs, dtype=torch.float64, device=device)

    def run() -> torch.Tensor:
        z = x
        for weight, bias in tensors[:-1]:
            z = torch.relu(torch.addmm(bias, z, weight))
        return torch.addmm(tensors[-1][1], z, tensors[-1][0])

    return run


def _median(run: Callable[[], object], runs: int, device: str | None) -> tuple[float, float]:
    """Median CPU and wall seconds of a warm call."""
    run()
    times = []
    for _ in range(runs):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        if device:
            torch.cuda.synchronize()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


if __name__ == "__main__":
    main()
