"""A surface, exactly: a network learns the signed distance to a torus and a ball; its whole zero set as a mesh.

Run:  python examples/17_exact_surface.py [folder] [--small] [--width 64] [--depth 4]

Writes the mesh (surface.ply, .obj), an interactive page (surface.html), a still (surface.png), and three planes through
the shape with their regions (three_planes.png).
"""

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

import cpwl
from cpwl.analysis import axis_slices

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps of training, a small network")
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--depth", type=int, default=4)
arguments = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(0)
width, depth, steps = (16, 2, 500) if arguments.small else (arguments.width, arguments.depth, 3000)

layers = [layer for k in range(depth) for layer in (nn.Linear(width if k else 3, width), nn.LeakyReLU())]
model = nn.Sequential(*layers, nn.Linear(width, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
for x in (2 * torch.rand(1024, 3) - 1 for _ in range(steps)):
    torus = torch.stack([x[:, :2].norm(dim=1) - 0.55, x[:, 2] + 0.25]).norm(dim=0) - 0.2
    ball = (x - torch.tensor([0.0, 0.0, 0.55])).norm(dim=1) - 0.25
    optimizer.zero_grad()
    (model(x)[:, 0] - torch.minimum(torus, ball)).abs().mean().backward()
    optimizer.step()
    schedule.step()
net = cpwl.compile(model.eval(), torch.zeros(1, 3))

begun = time.process_time()
surface = cpwl.level_set(net, cpwl.Domain.box([-1] * 3, [1] * 3), level=0.0)
mesh = surface.mesh()
print(f"{mesh}, {time.process_time() - begun:.1f} s of CPU")
print(mesh.table().to_string())
print("wrote", mesh.save(arguments.folder / "surface.ply"), mesh.save(arguments.folder / "surface.obj"))
surface.view(arguments.folder / "surface.html")
surface.plot().figure.savefig(arguments.folder / "surface.png", dpi=110, bbox_inches="tight")

# Three planes through the shape, as in SplineCam's figure: the regions on each, and the zero set.
parts = list(cpwl.partition_many(net, axis_slices([-1] * 3, [1] * 3, axis=2, at=(-0.25, 0.1, 0.55))))
figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
for axis, part in zip(axes, parts, strict=True):
    part.plot(axis, boundary=part.decision_boundary(level=0.0), legend="none")
    axis.set_title(f"third input {part.domain.origin[2]:+.2f}: {len(part):,} regions")
figure.savefig(arguments.folder / "three_planes.png", dpi=64)
