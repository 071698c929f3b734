"""Between test digits: how often a classifier bends, and how many classes it passes through on the way.

Run: python examples/04_segments.py [FOLDER]; a few seconds. Writes segments.png and segments.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

import cpwl

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
)
optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(200):
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(model(x[:1400]), y[:1400]).backward()
    optimiser.step()

net = cpwl.compile(model.eval(), torch.zeros(1, 64))
test = x[1400:].numpy()
pairs = np.random.default_rng(0).integers(0, len(test), (2, 1000))
pieces = cpwl.segments(net, test[pairs[0]], test[pairs[1]])
print(pieces)
table = pieces.table()
table["same label"] = digits.target[1400:][pairs[0]] == digits.target[1400:][pairs[1]]
print(table.groupby("same label")[["pieces", "class changes", "length"]].mean().round(2))
busiest = int(pieces.classes.changes.argmax())
print("the segment with the most changes passes through", pieces.classes.classes[busiest])
pieces.plot(busiest).figure.savefig(folder / "segments.png")
table.to_csv(folder / "segments.csv")
