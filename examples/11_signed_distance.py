"""A signed distance function in 2-D: a network learns the distance to a shape; its zero set is then known exactly.

The shape is a disc with a bite. Writes the regions after each layer, with the zero set of the network in red.

Run:  python examples/11_signed_distance.py [folder] [--small]
"""

import argparse
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

import cpwl
from cpwl.analysis import contours, volume_below

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?", default=".", type=Path)
parser.add_argument("--small", action="store_true", help="a few steps only")
arguments = parser.parse_args()
torch.set_num_threads(1)  # such small products gain nothing from more
torch.manual_seed(0)


def distance(x: Tensor) -> Tensor:
    """Of points (n, 2), as modellers define it for a difference: the larger of the distances to disc and bite."""
    disc, bite = x.norm(dim=1) - 0.7, (x - torch.tensor([0.5, 0.3])).norm(dim=1) - 0.4
    return torch.maximum(disc, -bite)


layers = [layer for size in (2, 32, 32) for layer in (nn.Linear(size, 32), nn.ReLU())]
model = nn.Sequential(*layers, nn.Linear(32, 1))
steps, optimizer = 60 if arguments.small else 3000, torch.optim.Adam(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
for _ in range(steps):
    x = 2 * torch.rand(512, 2) - 1
    loss = (model(x)[:, 0] - distance(x)).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

domain = cpwl.Domain.box([-1, -1], [1, 1])
part = cpwl.partition(cpwl.compile(model.eval(), torch.zeros(1, 2)), domain)
zero = part.decision_boundary(level=0)
print(f"{part}\nmean error {loss:.4f}; the zero set:", *contours(zero), sep="\n  ")
middles = torch.tensor(zero.ends.mean(axis=1), dtype=torch.float32)
print(f"the middles of its segments are {distance(middles).abs().max():.4f} from the shape at most")
share = (distance(2 * torch.rand(10**6, 2) - 1) < 0).double().mean()
print(f"area inside: {volume_below(part):.4f}; of the shape, by a million random points: {4 * share:.3f}")

figure = Figure(figsize=(13, 4.2), layout="constrained")
for layer, axes in enumerate(figure.subplots(1, 3), start=1):
    until = cpwl.partition(cpwl.compile(model[: 2 * layer].eval(), torch.zeros(1, 2)), domain)
    until.plot(axes, color="pattern")
    axes.set_title(f"after layer {layer}: {len(until):,} regions")
figure.savefig(arguments.folder / "signed_distance_layers.png", dpi=65)
part.plot(boundary=zero).figure.savefig(arguments.folder / "signed_distance.png", dpi=80)
