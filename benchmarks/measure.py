"""Measures cpwl on one network, in this process; ``run.py`` starts it.  Prints one line of JSON.

python benchmarks/measure.py NAME BACKEND [--least 3] [--seconds 2] [--threads 1] [--device cuda]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from timing import Cost, cost, in_turns, median, peak_memory

BACKENDS = ("torch", "float", "exact")
"""``float``: the torch backend with ``predicates="float"``."""


@click.command(help=__doc__)
@click.argument("name")
@click.argument("backend", type=click.Choice(BACKENDS))
@click.option("--least", default=3)
@click.option("--seconds", default=2.0)
@click.option("--threads", default=1)
@click.option("--device", default=None)
def main(name: str, backend: str, least: int, seconds: float, threads: int, device: str | None) -> None:
    import torch
    from networks import BESIDE, reference

    torch.set_num_threads(threads)
    wanted = reference(name)
    before = peak_memory()
    run = partitioning(wanted, backend, device)
    first, part = _first(run)
    found: dict[str, Any] = {"memory": peak_memory() - before, "cold": first.cpu, **_facts(part)}
    turns = [lambda: _synchronised(run, device)]
    if name in BESIDE:
        other = partitioning(reference(BESIDE[name]), backend, device)
        found |= {"beside": BESIDE[name], "beside_regions": len(other())}
        turns.append(lambda: _synchronised(other, device))
    if backend != "exact":
        from floor import Floor, stage_vertices

        floor = Floor(wanted.network, stage_vertices(part), device)
        turns.append(lambda: _synchronised(floor, device))
    del part
    costs = in_turns(turns, least, seconds)
    middle = median(costs[0])
    found |= {"cpu": middle.cpu, "wall": middle.wall, "runs": len(costs[0])}
    if name in BESIDE:
        found["beside_cpu"] = median(costs[1]).cpu
    if backend != "exact":
        found |= {"floor": median(costs[-1]).cpu, "floor_wall": median(costs[-1]).wall}
    click.echo(json.dumps(found))


def partitioning(wanted: Any, backend: str, device: str | None = None) -> Callable[[], Any]:
    """A function that computes the partition of a reference network."""
    import cpwl

    predicates = "float" if backend == "float" else "exact"
    chosen = "exact" if backend == "exact" else "torch"
    return lambda: cpwl.partition(wanted.network, wanted.domain, backend=chosen, device=device, predicates=predicates)


def _first(run: Callable[[], Any]) -> tuple[Cost, Any]:
    """The cost of the first run, and its result."""
    found: list[Any] = []
    return cost(lambda: found.append(run())), found[0]


_OFF = 1e-9
"""Of the domain's area, at most."""


def _off(areas: Any, part: Any) -> float:
    """By how much areas do not add up to the domain's, in parts of that."""
    return abs(float(areas.sum()) / part.domain.volume - 1)


def _facts(part: Any) -> dict[str, int]:
    """What there is to check, and how decisions went. The area is checked here."""
    off = _off(part.volumes(), part)
    if not off < _OFF and part.predicates == "exact":  # rounded coordinates on a tiny domain: areas from exact lines
        off = _off(part.volumes(accuracy=2.0**-40), part)
    assert off < _OFF, f"areas are off by {off}"
    vertices, edges = len(part.vertices), len(part.facets().vertices)
    return {
        "regions": len(part),
        "vertices": vertices,
        "euler": vertices - edges + len(part),
        "ambiguous": len(part.ambiguous),
        "settled": part.settled,
    }


def _synchronised(run: Callable[[], object], device: str | None) -> None:
    run()
    if device is not None and device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
