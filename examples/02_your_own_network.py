"""Your own network: any torch.nn.Module of piecewise-linear parts; here a residual block and a maxout layer.

Takes the plane through three points of a 20-dimensional input space and draws points from the decision boundary in it.

Run:  python examples/02_your_own_network.py [folder for the picture]
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import cpwl


class Mine(nn.Module):
    """Linear, residual block, maxout over groups of three, linear: three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(20, 24)
        self.block = nn.Sequential(nn.Linear(24, 24), nn.LeakyReLU(0.1), nn.Linear(24, 24))
        self.last = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.first(x))
        hidden = hidden + self.block(hidden)
        return self.last(hidden.reshape(-1, 8, 3).amax(dim=2))


folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
torch.manual_seed(1)
model = Mine().eval()
points = torch.randn(3, 20).double().numpy()

net = cpwl.compile(model, torch.zeros(1, 20))
print(net.summary())

part = cpwl.partition(net, cpwl.Domain.through(*points, margin=1.0))
boundary = part.decision_boundary()
print(f"{part}\nboundary: {len(boundary)} segments between the classes {np.unique(boundary.pairs, axis=0).tolist()}")

# Points of the input space at which two classes share the highest score; torch agrees up to the rounding of float32.
samples = boundary.sample(1000, seed=0)
with torch.no_grad():
    top = model(torch.tensor(samples, dtype=torch.float32)).topk(2, dim=1).values
print(f"{len(samples)} samples: the two highest scores differ by at most {(top[:, 0] - top[:, 1]).max():.1e} (float32)")

axes = part.plot(color="class", boundary=boundary, points=part.to_slice(points), labels=["p1", "p2", "p3"])
axes.figure.savefig(folder / "your_own_network.png")
part.save(folder / "your_own_network.npz")
print(f"loaded again: {cpwl.load(folder / 'your_own_network.npz')}")
