"""A controller on all of its inputs: every region, and what it advises where, by volume.

Run:  python examples/15_a_whole_input_space.py [folder] [--small] [--network FILE.nnet]

FILE.nnet: a controller of three inputs with its own bounds, such as one of HorizontalCAS. Without it a small one learns
to turn away from an intruder at (x, y) that flies in direction angle.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import cpwl

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps of training, a small network")
parser.add_argument("--network", type=Path, help="a controller in an .nnet file")
arguments = parser.parse_args()
torch.set_num_threads(1)


def trained(width: int, steps: int) -> cpwl.Network:
    """Advice: 0 clear of conflict, 1 left, 2 right."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(steps):
        x = 2 * torch.rand(512, 3) - 1
        near = x[:, :2].norm(dim=1) < 0.6
        advice = torch.where(near, torch.where(x[:, 1] + 0.3 * torch.sin(3 * x[:, 2]) > 0, 2, 1), 0)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), advice).backward()
        optimizer.step()
    return cpwl.compile(model.eval(), torch.zeros(1, 3))


def bounds(path: Path) -> list[list[float]]:
    """The bounds of its inputs, as an .nnet file gives them in its fourth and fifth line of numbers."""
    rows = [line for line in path.read_text().splitlines() if not line.startswith("//")]
    return [[float(x) for x in row.split(",") if x.strip()] for row in rows[3:5]]


net = cpwl.compile(arguments.network) if arguments.network else trained(*((8, 400) if arguments.small else (24, 2000)))
low, high = bounds(arguments.network) if arguments.network else ([-1.0] * 3, [1.0] * 3)
part = cpwl.partition(net, cpwl.Domain.box(low, high))
print(f"{len(part):,} regions, of total volume {float(part.volumes().sum()):.9f}")
print("vertices, edges, facets, regions:", [len(part.faces(k)) for k in range(part.domain.dim + 1)])

boundary = part.decision_boundary()
print(f"the advice changes on {len(boundary):,} polygons")
print(boundary.table().to_string())
u = np.random.default_rng(0).uniform(low, high, (20, part.domain.dim))
near = boundary.nearest(u)
print(f"of {len(u)} random states the nearest to another advice is {near.distances.min():.6g} away")
part.save(arguments.folder / "whole_space.npz")
