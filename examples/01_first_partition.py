"""A first partition: the regions of a small ReLU network on a square, their affine maps, and a picture.

Run:  python examples/01_first_partition.py [folder for the picture]
"""

import sys
from pathlib import Path

import numpy as np
import torch

import cpwl

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU(),
                            torch.nn.Linear(16, 1)).eval()  # fmt: skip

# A network, a domain, and the partition of the domain into the regions on which the network is affine.
net = cpwl.compile(model, torch.zeros(1, 2))
part = cpwl.partition(net, cpwl.Domain.box([-2, -2], [2, 2]))
print(part)

# Vertices, edges and regions of a subdivision of a square: V - E + R = 1. The areas of the regions add up to its area.
stats = part.statistics()
print(f"V - E + R = {stats.vertices} - {stats.edges} + {stats.regions} = 1")
print(f"areas sum to {part.volumes().sum():.12f}; the square has {part.domain.volume}")

# Which region is a point in, which units are on there, and what is the network's affine map A u + b on it?
point = np.array([[0.5, -0.25]])
region = part.locate(point)
A, b = part.affine_maps(region)
print(f"the point {point[0]} lies in region {region[0]}, with {part.patterns(region).sum()} of {net.units} units on")
print(f"there the network is {A[0, 0, 0]:+.4f} u1 {A[0, 0, 1]:+.4f} u2 {b[0, 0]:+.4f}")
with torch.no_grad():
    output = model(torch.tensor(point, dtype=torch.float32)).item()
print(f"map: {(A[0] @ point[0] + b[0])[0]:.6f}, model in float32: {output:.6f}")

axes = part.plot(color="slope", boundary=part.decision_boundary(level=0.2), points=point, labels=["the point"])
axes.figure.savefig(folder / "first_partition.png")
print(f"picture: {folder / 'first_partition.png'}")
