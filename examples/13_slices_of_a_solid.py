"""Slices of a solid: a network learns the signed distance to a torus; its zero set on planes through space, exactly.

Run:  python examples/13_slices_of_a_solid.py [folder] [--small] [--network FILE.npz] [--axis 2]

FILE.npz: a ReLU network of 3 inputs as neural implicit surfaces are published (arrays NNNN.dense.A, NNNN.dense.b), such
as "fox" of github.com/nmwsharp/neural-implicit-queries.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import cpwl
from cpwl.analysis import axis_slices, contours, volume_below
from cpwl.plots.implicit import plot_stack

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps and slices only")
parser.add_argument("--network", type=Path, help="a network in an .npz file, instead of the torus")
parser.add_argument("--axis", type=int, default=0, help="of the input space, that the slices are orthogonal to")
arguments = parser.parse_args()
torch.set_num_threads(1)  # such small products gain nothing from more


def trained(steps: int) -> cpwl.Network:
    torch.manual_seed(0)
    layers = [layer for size in (3, 32, 32) for layer in (nn.Linear(size, 32), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for x in (2 * torch.rand(1024, 3) - 1 for _ in range(steps)):
        optimizer.zero_grad()
        distance = torch.stack([x[:, :2].norm(dim=1) - 0.6, x[:, 2]]).norm(dim=0) - 0.25
        (model(x)[:, 0] - distance).abs().mean().backward()
        optimizer.step()
        schedule.step()
    return cpwl.compile(model.eval(), torch.zeros(1, 3))


def stored(path: Path) -> cpwl.Network:
    arrays = np.load(path)
    names = sorted(name[:-1] for name in arrays if name.endswith("dense.A"))
    return cpwl.Network.mlp([arrays[f"{name}A"].T for name in names], [arrays[f"{name}b"] for name in names])


net = stored(arguments.network) if arguments.network else trained(50 if arguments.small else 3000)
heights = np.linspace(-0.6, 0.6, 3 if arguments.small else 25)
parts = list(cpwl.partition_many(net, axis_slices([-1] * 3, [1] * 3, axis=arguments.axis, at=heights)))
zeros = [part.decision_boundary(level=0) for part in parts]
for i in range(0, len(parts), max(1, len(parts) // 6)):
    inside, lines = volume_below(parts[i]), contours(zeros[i])
    print(f"at {heights[i]:+.2f}: {len(parts[i]):6,} regions, area inside {inside:.4f}, {len(lines)} closed lines")
middle = len(parts) // 2
parts[middle].plot(boundary=zeros[middle]).figure.savefig(arguments.folder / "middle_slice.png", dpi=70)
plot_stack(zeros).figure.savefig(arguments.folder / "slices_of_a_solid.png", dpi=80)
