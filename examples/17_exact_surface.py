"""A surface, exactly: a network learns the signed distance to a torus and a ball; its whole zero set as a mesh.

Run:  python examples/17_exact_surface.py [folder] [--small] [--width 64] [--depth 4] [--network FILE.npz]

Writes the mesh (surface.ply, .obj), an interactive page (surface.html), a still (surface.png), and three planes through
the shape with their regions (three_planes.png). FILE.npz: a ReLU network of 3 inputs as neural implicit surfaces are
published (arrays NNNN.dense.A, NNNN.dense.b), such as "fox" of github.com/nmwsharp/neural-implicit-queries.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import cpwl
from cpwl.analysis import axis_slices

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps of training, a small network")
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--depth", type=int, default=4)
parser.add_argument("--steps", type=int, default=3000)
parser.add_argument("--network", type=Path, help="a network in an .npz file, instead of the torus and the ball")
arguments = parser.parse_args()
torch.set_num_threads(1)
width, depth, steps = (8, 2, 300) if arguments.small else (arguments.width, arguments.depth, arguments.steps)


def torus_and_ball(x: torch.Tensor) -> torch.Tensor:
    """The signed distance to a torus around the third axis (radii 0.55 and 0.2) and a ball above it (radius 0.25)."""
    torus = torch.stack([x[:, :2].norm(dim=1) - 0.55, x[:, 2] + 0.25]).norm(dim=0) - 0.2
    ball = (x - torch.tensor([0.0, 0.0, 0.55])).norm(dim=1) - 0.25
    return torch.minimum(torus, ball)


def trained() -> cpwl.Network:
    """A leaky-ReLU network, as in SplineCam's figure of a signed distance."""
    torch.manual_seed(0)
    sizes = [3, *[width] * depth]
    layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), nn.LeakyReLU())]
    model = nn.Sequential(*layers, nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for x in (2 * torch.rand(1024, 3) - 1 for _ in range(steps)):
        optimizer.zero_grad()
        (model(x)[:, 0] - torus_and_ball(x)).abs().mean().backward()
        optimizer.step()
        schedule.step()
    return cpwl.compile(model.eval(), torch.zeros(1, 3))


def stored(path: Path) -> cpwl.Network:
    arrays = np.load(path)
    names = sorted(name[:-1] for name in arrays if name.endswith("dense.A"))
    return cpwl.Network.mlp([arrays[f"{name}A"].T for name in names], [arrays[f"{name}b"] for name in names])


net = stored(arguments.network) if arguments.network else trained()
begun = time.process_time()
surface = cpwl.level_set(net, cpwl.Domain.box([-1] * 3, [1] * 3), level=0.0)
mesh = surface.mesh()
print(f"{mesh}, {time.process_time() - begun:.1f} s of CPU")
print(mesh.table().to_string())
if mesh.closed:
    print(f"area {mesh.area:.6f} up to {mesh.area_error:.1e}, volume {mesh.volume:.6f} up to {mesh.volume_error:.1e}")
for ending in ("ply", "obj"):
    print("wrote", mesh.save(arguments.folder / f"surface.{ending}"))
surface.view(arguments.folder / "surface.html")
surface.plot().figure.savefig(arguments.folder / "surface.png", dpi=110, bbox_inches="tight")

# Three planes through the shape, as in SplineCam's figure: the regions on each, and the zero set.
heights = (-0.25, 0.1, 0.55)
parts = list(cpwl.partition_many(net, axis_slices([-1] * 3, [1] * 3, axis=2, at=heights)))
figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
for axis, part, height in zip(axes, parts, heights, strict=True):
    part.plot(axis, boundary=part.decision_boundary(level=0.0), legend="none")
    axis.set_title(f"third input {height:+.2f}: {len(part):,} regions")
figure.savefig(arguments.folder / "three_planes.png", dpi=64)
