"""What is done with a partition, beside the partition itself: CPU seconds of one thread, on degenerate inputs.

    python benchmarks/afterwards.py [NAME ...]

Planes through three of scikit-learn's digits for networks with max-pools, a lattice (the largest of minima of affine
functions), and a small square of ACAS Xu where ../shared/data has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import torch
from networks import DATA, NEEDS
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from torch import nn

import cpwl
from cpwl.analysis import agreement, units
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Scale

Case = tuple[Network, cpwl.Domain]


def pooled(channels: int, enlarged: int = 1, *, ternary: bool = False) -> Case:
    """A convolution, a max-pool and two layers on a plane through three digits, each pixel ``enlarged`` times."""
    torch.manual_seed(0)
    images = np.kron(load_digits().images[:3, None] / 16, np.ones((1, 1, enlarged, enlarged)))
    example = torch.zeros(1, *images.shape[1:], dtype=torch.float64)
    features = nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()).double()
    width = features(example).shape[1]
    model = nn.Sequential(*features, nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, 10)).double().eval()
    if ternary:
        with torch.no_grad():
            for values in model.parameters():
                values.copy_(values.sign() * (values.abs() > values.abs().median()))
    return cpwl.compile(model, example), cpwl.Domain.through(*images, margin=0.3)


def lattice(groups: int, size: int) -> Case:
    """The largest of ``groups`` minima of ``size`` affine functions each."""
    random, count = np.random.default_rng(0), groups * size
    nodes = (
        Node(Input(), (), (2,), "x"),
        Node(Dense(random.standard_normal((count, 2)), random.standard_normal(count)), (0,), (count,), "functions"),
        Node(Gather(np.arange(count).reshape(groups, size)), (1,), (groups, size), "groups"),
        Node(Max(), (2,), (groups,), "minus the minima"),
        Node(Scale(np.array([-1.0]), np.zeros(1)), (3,), (groups,), "minima"),
        Node(Gather(np.arange(groups)[None]), (4,), (1, groups), "group"),
        Node(Max(), (5,), (1,), "largest"),
    )
    return Network(nodes), cpwl.Domain.box([-1.0, -1.0], [1.0, 1.0])


def acas_xu() -> Case:
    """A small square of a real network."""
    corners = 0.13 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    basis = np.eye(5)[:, :2].reshape(1, 1, 5, 2)
    return cpwl.compile(DATA / NEEDS["acas-xu"]), cpwl.Domain.polygon(corners, np.zeros((1, 1, 5)), basis)


CASES: dict[str, Callable[[], Case]] = {
    "max-pool": lambda: pooled(4),
    "larger": lambda: pooled(2, 2),
    "ternary": lambda: pooled(4, ternary=True),
    "lattice": lambda: lattice(40, 24),
    **({"acas-xu": acas_xu} if (DATA / NEEDS["acas-xu"]).exists() else {}),
}
TASKS: dict[str, Callable[[cpwl.Partition], Any]] = {
    "boundary": lambda part: part.decision_boundary(level=0.0 if part.network.outputs == 1 else None),
    "statistics": lambda part: part.statistics().to_frame(),
    "units": lambda part: units(part).by_layer(),
    "a region": lambda part: (part.region(0).exact_map, part.region(0).exact_vertices),
    "merged": lambda part: part.merged(),
    "outlines": lambda part: part.merged().outlines,
    "execution": lambda part: cpwl.compare_execution(part),
    "agreement": lambda part: agreement(part.network, part.network, part.domain),
    "certify": lambda part: cpwl.certify(part),
}


def seconds(task: Callable[[], Any]) -> tuple[float, Any]:
    """The CPU seconds of a task, and what it gives."""
    begin = time.process_time()
    found = task()
    return time.process_time() - begin, found


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(CASES)))
def main(names: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    table = Table("network", "regions", "partition", *TASKS)
    for name in names or CASES:
        case = CASES[name]()
        cpwl.partition(*case)
        taken, part = seconds(lambda case=case: cpwl.partition(*case))  # type: ignore[misc]
        others = [f"{seconds(lambda task=task, part=part: task(part))[0]:.2f}" for task in TASKS.values()]  # type: ignore[misc]
        table.add_row(name, f"{len(part):,}", f"{taken:.2f}", *others)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
