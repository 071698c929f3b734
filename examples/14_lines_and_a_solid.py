"""Along a line and inside a solid: where a classifier of digits bends, and where it changes its mind.

Run:  python examples/14_lines_and_a_solid.py [folder] [--small]

Lines join a scanned digit to others; a solid goes through four of them, in a space of 64 pixels.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import cpwl

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps of training, a small network")
arguments = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(0)

digits = load_digits()
images, labels = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
width, steps = (12, 40) if arguments.small else (32, 400)
model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(steps):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
net = cpwl.compile(model.eval(), images[:1])

# The first image of each class: along the lines from one to the others.
firsts = np.array([digits.data[digits.target == k][0] / 16 for k in range(10)])
lines = list(cpwl.partition_many(net, [cpwl.Domain.segment(firsts[0], q) for q in firsts[1:]]))
for k, line in enumerate(lines, start=1):
    changes = np.sort(line.decision_boundary().vertices[:, 0])
    print(f"from 0 to {k}: {len(line)} pieces, the class changes at {np.round(changes, 4).tolist()}")
longest = max(lines, key=len)
axes = longest.plot(color="class", boundary=longest.decision_boundary())
axes.figure.savefig(arguments.folder / "along_a_line.png", bbox_inches="tight")

# A cube around four images, and its part of the decision boundary.
solid = cpwl.partition(net, cpwl.Domain.through(*firsts[[0, 3, 6, 8]], margin=0))
boundary = solid.decision_boundary()
print(f"the cube around 0, 3, 6, 8: {len(solid)} regions, {len(boundary)} polygons of decision boundary")
print(boundary.table().head(3).to_string())
proved = boundary.certify(10)
print(
    f"{len(proved)} points of it are exact; from the middle it is {boundary.nearest([[0, 0, 0]]).distances[0]:.4f} away"
)
solid.save(arguments.folder / "solid.npz")
